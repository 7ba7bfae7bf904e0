// One request of nbsched's REST, with Jupyter's own authentication.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

export interface Asking {
  method?: 'GET' | 'POST' | 'DELETE';
  body?: unknown;
}

// What the server does not do: its sentence, and the HTTP status.
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number
  ) {
    super(message);
    this.name = 'Refused';
  }
}

// The answer to `path`, which begins with a slash or is empty; throws Refused, and TypeError where nobody answers.
export async function ask<T>(settings: ServerConnection.ISettings, path: string, { method = 'GET', body }: Asking = {}): Promise<T> {
  const url = URLExt.join(settings.baseUrl, 'nbsched/api') + path;
  const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await ServerConnection.makeRequest(url, init, settings);
  const answer = parsed(await response.text());
  if (!response.ok) throw new Refused(sentence(answer) || `${response.status} ${response.statusText}`.trim(), response.status);
  return answer as T;
}

function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function sentence(answer: unknown): string {
  const message = (answer as { message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : '';
}
