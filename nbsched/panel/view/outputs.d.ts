import type { ICell, IOutput } from "@jupyterlab/nbformat";

export type Standing = "done" | "running" | "failed" | "waiting";

export declare function shownOutputs(outputs?: IOutput[]): IOutput[];
export declare function outputChanges(before: IOutput[], after: IOutput[]): { clear: boolean; set: [number, IOutput][]; add: IOutput[] };
export declare function standing(cell: ICell, ended: boolean): Standing;
export declare function written(cell: ICell): boolean;
export declare function focusOf(cells: ICell[], ended: boolean): number;
