// The way from a failed run to the cell that failed, in its notebook.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import type { DocumentWidget } from '@jupyterlab/docregistry';
import type { ICell, INotebookContent, MultilineString } from '@jupyterlab/nbformat';

import type { Details, ErrorView, PipelineView } from '../../nbsched/panel/view/data';
import { told } from './acting';
import { ARGS, Commands } from './commands';
import { IServer } from './tokens';

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
  const { content } = await app.serviceManager.contents.get(failure.notebook, { type: 'notebook', content: true });
  const fragment = anchor((content as INotebookContent).cells, failure.error);
  if (app.name === 'Jupyter Notebook') {
    const path = URLExt.encodeParts(failure.notebook);
    window.open(URLExt.join(PageConfig.getBaseUrl(), 'notebooks', path) + fragment, '_blank', 'noopener');
    return;
  }
  const page = (await app.commands.execute('docmanager:open', { path: failure.notebook })) as DocumentWidget;
  await page.context.ready;
  if (fragment) await page.setFragment(fragment);
}

// The failed notebook of this run: itself, or the first of its steps that failed.
async function failed(server: IServer, run: number): Promise<Failure | null> {
  const { row, error, notebook } = await server.ask<Details>(`/runs/${run}/details`);
  if (!row.pipeline) return notebook ? { notebook, error } : null;
  const { steps } = await server.ask<PipelineView>(`/runs/${run}/pipeline`);
  const step = steps.find(one => one.state === 'failed');
  return step ? failed(server, step.id) : null;
}

// Where a page scrolls to: the cell of that number among those of code, or where it has moved the one with that line.
function anchor(all: ICell[], error: ErrorView | null): string {
  const line = error?.line?.trim() ?? '';
  const holds = (cell: ICell | undefined): boolean => !!cell && (!line || text(cell.source).includes(line));
  const code = all.filter(cell => cell.cell_type === 'code' && !(cell.metadata.tags as string[] | undefined)?.includes('injected-parameters'));
  const counted = error?.cell == null ? undefined : code[error.cell - 1];
  const found = holds(counted) ? counted : (code.find(holds) ?? counted);
  return found?.id ? `#cell-id=${found.id as string}` : '';
}

function text(source: MultilineString): string {
  return Array.isArray(source) ? source.join('') : source;
}
