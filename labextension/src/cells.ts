// The way from a failed run to the cell that failed, in its notebook.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import type { ICell, INotebookContent, MultilineString } from '@jupyterlab/nbformat';
import type { NotebookPanel } from '@jupyterlab/notebook';

import type { Details, ErrorView, PipelineView } from '../../nbsched/panel/view/data';
import { told } from './acting';
import { ARGS, Commands } from './commands';
import { IServer } from './tokens';

// a file out of the server's folder, which cannot be opened here
const ELSEWHERE = /^([A-Za-z]:)?[\\/]/;

interface Failure {
  notebook: string;
  error: ErrorView | null;
}

export const cells: JupyterFrontEndPlugin<void> = {
  id: 'nbsched:cells',
  description: 'Opens a notebook at the cell that failed.',
  autoStart: true,
  requires: [IServer],
  activate: (app: JupyterFrontEnd, server: IServer): void => {
    app.commands.addCommand(Commands.showCell, {
      describedBy: ARGS[Commands.showCell],
      label: 'Show Failed Cell',
      isVisible: ({ run }) => server.known.rows.get(run as number)?.state === 'failed',
      execute: ({ run }) => told(show(app, server, run as number))
    });
  }
};

async function show(app: JupyterFrontEnd, server: IServer, run: number): Promise<void> {
  const failure = await failed(server, run);
  if (!failure) {
    const openRun = app.commands.hasCommand(Commands.openRun) && app.commands.execute(Commands.openRun, { run });
    if (!openRun) Notification.warning(`Run ${run} has no notebook in this server's folder.`, { autoClose: 5000 });
    return;
  }
  if (app.name === 'Jupyter Notebook') await inNewPage(app, failure);
  else await inThisPage(app, failure);
}

async function inThisPage(app: JupyterFrontEnd, { notebook, error }: Failure): Promise<void> {
  const page = (await app.commands.execute('docmanager:open', { path: notebook, factory: 'Notebook' })) as NotebookPanel;
  await page.context.ready;
  await page.revealed;
  const content = page.content, at = place((page.context.model.toJSON() as INotebookContent).cells, error);
  content.deselectAll();
  content.activeCellIndex = at;
  await content.scrollToItem(at, 'center');
}

// Notebook has a page of its own for each file.
async function inNewPage(app: JupyterFrontEnd, { notebook, error }: Failure): Promise<void> {
  const { content } = await app.serviceManager.contents.get(notebook, { type: 'notebook', content: true });
  const all = (content as INotebookContent).cells, id = all[place(all, error)]?.id as string | undefined;
  const url = URLExt.join(PageConfig.getBaseUrl(), 'notebooks', URLExt.encodeParts(notebook));
  window.open(id ? `${url}#cell-id=${encodeURIComponent(id)}` : url, '_blank', 'noopener');
}

// The failed notebook of this run: itself, or the first of its steps that failed.
async function failed(server: IServer, run: number): Promise<Failure | null> {
  const { row, error, notebook } = await server.ask<Details>(`/runs/${run}/details`);
  if (!row.pipeline) return notebook && !ELSEWHERE.test(notebook) ? { notebook, error } : null;
  const { steps } = await server.ask<PipelineView>(`/runs/${run}/pipeline`);
  const step = steps.find(one => one.state === 'failed');
  return step ? failed(server, step.id) : null;
}

// Which cell failed: the one of that number among those of code, or where it has moved the one with that line.
function place(all: ICell[], error: ErrorView | null): number {
  const line = error?.line?.trim() ?? '';
  const holds = (at: number | undefined): boolean => at !== undefined && (!line || text(all[at].source).includes(line));
  const code = [...all.keys()].filter(at => all[at].cell_type === 'code' && !injected(all[at]));
  const counted = error?.cell == null ? undefined : code[error.cell - 1];
  return (holds(counted) ? counted : (code.find(holds) ?? counted)) ?? 0;
}

// papermill's own cell is not counted
function injected({ metadata }: ICell): boolean {
  return !!(metadata.tags as string[] | undefined)?.includes('injected-parameters');
}

function text(source: MultilineString): string {
  return Array.isArray(source) ? source.join('') : source;
}
