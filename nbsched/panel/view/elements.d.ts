export interface Sign extends SVGElement { show(shape: string, tone: string): void }

export declare function make<K extends keyof HTMLElementTagNameMap>(tag: K, className?: string, text?: string): HTMLElementTagNameMap[K];
export declare function draw(tag: string, attributes?: Record<string, string | number>, ...children: Node[]): SVGElement;
export declare function say(node: Node, text: string): void;
export declare function put(node: Element, name: string, value: string): void;
export declare function keepKeys<T extends Element>(node: T): T;
export declare function button(label: string, act: (event: MouseEvent) => void, className?: string): HTMLButtonElement;
export declare function push(label: string, act: () => void, className?: string): HTMLSpanElement;
export declare function sign(): Sign;
export declare const SHAPES: Record<string, [line: string, area: string]>;
