// The way from a failed run to the cell that failed, in its notebook.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import type { ICell, INotebookContent, MultilineString } from '@jupyterlab/nbformat';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Widget } from '@lumino/widgets';

import type { Details, ErrorView, PipelineView } from '../../nbsched/panel/view/data';
import { told } from './acting';
import { ARGS, Commands } from './commands';
import { IServer } from './tokens';

// a file out of the server's folder, which cannot be opened here
const ELSEWHERE = /^([A-Za-z]:)?[\\/]/;

// what a page is opened with that is to show a run's failed cell
const ASKED = /^#nbsched-run=(\d+)$/;

const TURN_MS = 150;
const STAYED = 4;
const TURNS = 20;

interface Failure {
  notebook: string;
  error: ErrorView | null;
}

export const cells: JupyterFrontEndPlugin<void> = {
  id: 'nbsched:cells',
  description: 'Opens a notebook at the cell that failed.',
  autoStart: true,
  requires: [IServer],
  optional: [INotebookTracker],
  activate: (app: JupyterFrontEnd, server: IServer, notebooks: INotebookTracker | null): void => {
    const asked = ASKED.exec(window.location.hash);
    if (asked) notebooks?.widgetAdded.connect((_, page) => void told(arrive(server, page, Number(asked[1]))));
    app.commands.addCommand(Commands.showCell, {
      describedBy: ARGS[Commands.showCell],
      label: 'Show Failed Cell',
      isVisible: ({ run }) => server.known.rows.get(run as number)?.state === 'failed',
      execute: ({ run }) => told(show(app, server, notebooks, run as number))
    });
  }
};

async function show(app: JupyterFrontEnd, server: IServer, notebooks: INotebookTracker | null, run: number): Promise<void> {
  const failure = await failed(server, run);
  if (!failure) {
    const openRun = app.commands.hasCommand(Commands.openRun) && app.commands.execute(Commands.openRun, { run });
    if (!openRun) Notification.warning(`Run ${run} has no notebook in this server's folder.`, { autoClose: 5000 });
    return;
  }
  const here = notebooks?.currentWidget;
  if (here?.context.path === failure.notebook) {
    await reveal(here, failure.error);
  } else if (app.name === 'Jupyter Notebook') {
    const url = URLExt.join(PageConfig.getBaseUrl(), 'notebooks', URLExt.encodeParts(failure.notebook));
    window.open(`${url}#nbsched-run=${run}`, '_blank', 'noopener');
  } else {
    const options = { path: failure.notebook, factory: 'Notebook' };
    await reveal((await app.commands.execute('docmanager:open', options)) as NotebookPanel, failure.error);
  }
}

// Notebook has a page of its own for each file: this is the one that another has opened for that run.
async function arrive(server: IServer, page: NotebookPanel, run: number): Promise<void> {
  const [failure] = await Promise.all([failed(server, run), page.context.ready]);
  if (failure?.notebook === page.context.path) await reveal(page, failure.error);
}

async function reveal(page: NotebookPanel, error: ErrorView | null): Promise<void> {
  await page.context.ready;
  await page.revealed;
  const content = page.content, at = place((page.context.model.toJSON() as INotebookContent).cells, error);
  content.deselectAll();
  content.activeCellIndex = at;
  // a notebook that is being laid out moves: until the cell has stayed in sight it is scrolled to again
  for (let turn = 0, seen = 0; turn < TURNS && seen < STAYED; turn += 1) {
    seen = inSight(content.widgets[at], content) ? seen + 1 : 0;
    if (!seen) await content.scrollToItem(at, 'center');
    await new Promise(resolve => setTimeout(resolve, TURN_MS));
  }
}

function inSight(cell: Widget, around: Widget): boolean {
  const { top, bottom } = cell.node.getBoundingClientRect(), outer = around.node.getBoundingClientRect();
  return cell.isAttached && bottom > top && top < outer.bottom - 20 && bottom > outer.top + 20;
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
