// What a run has written so far, as a notebook of one's own.

import { Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { ICell, INotebookContent } from '@jupyterlab/nbformat';
import type { Contents } from '@jupyterlab/services';

import type { Tools } from './tools';

// A new notebook with these cells is open; the run's own file stays as it is.
export async function openCopy({ app }: Tools, run: number, name: string, cells: ICell[]): Promise<void> {
  try {
    const { contents } = app.serviceManager, made = await contents.newUntitled({ type: 'notebook' });
    const content: INotebookContent = { cells, metadata: { kernelspec: { name: 'python3', display_name: 'Python 3' } }, nbformat: 4, nbformat_minor: 5 };
    await contents.save(made.path, { type: 'notebook', format: 'json', content });
    const path = await renamed(contents, made.path, `${name.replace(/[/\\:*?"<>|]+/g, '-')}-run${run}.ipynb`);
    await app.commands.execute('docmanager:open', { path });
  } catch (error) {
    Notification.warning(error instanceof Error ? error.message : String(error));
  }
}

// Named so, or as it is where there is such a file already.
async function renamed(contents: Contents.IManager, path: string, name: string): Promise<string> {
  const wanted = PathExt.join(PathExt.dirname(path), name);
  try {
    return (await contents.rename(path, wanted)).path;
  } catch {
    return path;
  }
}
