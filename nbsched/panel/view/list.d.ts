export interface Row<T> extends HTMLDivElement {
  item: T;
  show(item: T): void;
}

export declare class VirtualList<T> {
  constructor(options: {
    label: string; className: string; columns?: string[]; newRow: () => Row<T>; key: (item: T) => string | number;
    choose: (item: T) => void; open?: (item: T) => void; menu?: ((item: T, x: number, y: number) => void) | null;
  });
  readonly node: HTMLDivElement;
  readonly scroll: HTMLDivElement;
  readonly empty: HTMLDivElement;
  items: T[];
  chosen: string | number | null;
  set(items: T[], emptyText: string): void;
  narrow(on: boolean): void;
  paint(): void;
  reveal(at: number): void;
}
