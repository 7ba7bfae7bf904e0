export declare class Tabs {
  constructor(names: [name: string, label: string][], open: (name: string) => void);
  readonly node: HTMLElement;
  readonly buttons: Map<string, HTMLButtonElement>;
  readonly name?: string;
  opened(name: string): void;
}
