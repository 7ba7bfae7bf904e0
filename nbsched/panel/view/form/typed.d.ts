// A parameter that work declares; `type` is one of `int float str bool list dict date datetime any`.
export interface Parameter {
  name: string;
  type: string;
  default: any;
  help?: string;
  required?: boolean;
  // None may be given.
  optional?: boolean;
  choices?: any[];
}
export type Control = 'whole' | 'number' | 'switch' | 'choice' | 'date' | 'line' | 'text' | 'json';

export function controlOf(parameter: Parameter): Control;
export function choicesOf(parameter: Parameter): any[];
export function textOf(value: any): string;
export function fieldText(parameter: Parameter, value: any): string;
export function read(parameter: Parameter, text: string): { value: any } | { error: string } | { unset: true };
export function changes(parameters: Parameter[], texts: Record<string, string>): { params: Record<string, any>; errors: Record<string, string> };
export function equal(one: any, other: any): boolean;
export function parameterOf(name: string, value: any): Parameter;
