// The ways to the forms: notebook toolbar, cell toolbar, file browser, palette and Run menu.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { FileDialog, IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';

import { told } from '../acting';
import { ARGS, Commands } from '../commands';
import { icon } from '../icons';
import { IServer } from '../server';
import { backfill } from './backfill';
import { scheduleCell } from './cell';
import { retryWithChanges } from './retry';
import { runNow, scheduleNotebook, type Outcome } from './schedule';

const READ_MS = 8_000;
const CATEGORY = 'nbsched';

export const form: JupyterFrontEndPlugin<void> = {
  id: 'nbsched:form',
  description: 'Forms that schedule notebooks and cells, retry runs with changes and fill what was not run.',
  autoStart: true,
  requires: [IServer],
  optional: [INotebookTracker, IFileBrowserFactory, ICommandPalette],
  activate: (
    app: JupyterFrontEnd, server: IServer, notebooks: INotebookTracker | null, browsers: IFileBrowserFactory | null, palette: ICommandPalette | null
  ): void => {
    const found = new Found(app, notebooks, browsers), asked = asking(server);
    ofNotebooks(app, server, found, asked);
    ofCells(app, server, found, asked);
    ofRuns(app, server, asked);
    for (const command of [Commands.schedule, Commands.runNow, Commands.scheduleCell]) palette?.addItem({ command, category: CATEGORY });
  }
};

type Asked = (form: () => Promise<unknown>) => Promise<void>;

// A form opens only where the server can answer it; else, and when it refuses, that is said in one line.
function asking(server: IServer): Asked {
  return form => told(server.trouble ? Promise.reject(new Error(server.trouble)) : form());
}

// What a command is about when nobody names it.
class Found {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly notebooks: INotebookTracker | null,
    private readonly browsers: IFileBrowserFactory | null
  ) {}

  // The notebook in front.
  get panel(): NotebookPanel | null {
    const panel = this.notebooks?.currentWidget ?? null;
    return panel && (this.app.name === 'Jupyter Notebook' || panel.isVisible) ? panel : null;
  }

  // The notebook that is chosen in the file browser.
  get chosen(): string | null {
    const items = [...(this.browsers?.tracker.currentWidget?.selectedItems() ?? [])];
    return items.length === 1 && items[0].type === 'notebook' ? items[0].path : null;
  }

  path({ path, chosen }: { path?: unknown; chosen?: unknown }): string | null {
    return typeof path === 'string' ? path : chosen ? this.chosen : (this.panel?.context.path ?? null);
  }

  // A notebook that is chosen in a dialog, where none is in front.
  async ask(): Promise<string | null> {
    const manager = this.browsers?.tracker.find(() => true)?.model.manager;
    if (!manager) return null;
    const notebooks = (one: Contents.IModel) => (one.type === 'notebook' || one.type === 'directory' ? {} : null);
    const { button, value } = await FileDialog.getOpenFiles({ manager, title: 'Schedule a notebook', filter: notebooks });
    return (button.accept && value?.find(one => one.type === 'notebook')?.path) || null;
  }

  // The path as the server knows it, once what was written in the page is in the file.
  async saved(path: string): Promise<string> {
    const panel = this.notebooks?.find(one => one.context.path === path);
    if (panel?.context.model.dirty && !panel.context.model.readOnly) await panel.context.save();
    return this.app.serviceManager.contents.localPath(path);
  }
}

function ofNotebooks(app: JupyterFrontEnd, server: IServer, found: Found, asked: Asked): void {
  const { commands } = app;
  commands.addCommand(Commands.schedule, {
    describedBy: ARGS[Commands.schedule],
    label: args => (args.toolbar ? '' : args.schedule ? 'Edit Schedule…' : 'Schedule…'),
    caption: 'Schedule this notebook, or run it now',
    icon: args => (args.schedule ? undefined : icon),
    isEnabled: args => !args.toolbar || found.panel !== null,
    execute: args => asked(() => schedule(app, server, found, args))
  });
  commands.addCommand(Commands.runNow, {
    describedBy: ARGS[Commands.runNow],
    label: 'Run Notebook Now',
    caption: 'Run this notebook in a fresh kernel, with its own parameters',
    isEnabled: args => found.path(args) !== null,
    execute: args => {
      const path = found.path(args);
      return path === null ? undefined : asked(async () => tell(app, server, { run: await runNow(server, await found.saved(path)) }));
    }
  });
}

// The notebook of the path, in front or chosen now, or of the schedule that is to be edited.
async function schedule(app: JupyterFrontEnd, server: IServer, found: Found, args: { path?: unknown; schedule?: unknown }): Promise<void> {
  const edit = typeof args.schedule === 'string' ? args.schedule : null, path = edit === null ? (found.path(args) ?? (await found.ask())) : null;
  if (edit === null && path === null) return;
  const saved = path === null ? null : await found.saved(path);
  tell(app, server, await scheduleNotebook(server, saved, edit));
}

function ofCells({ commands }: JupyterFrontEnd, server: IServer, found: Found, asked: Asked): void {
  commands.addCommand(Commands.scheduleCell, {
    describedBy: ARGS[Commands.scheduleCell],
    label: args => (args.toolbar ? '' : 'Schedule Cell…'),
    caption: 'Schedule this cell: its kernel runs it',
    icon,
    isEnabled: () => found.panel?.content.activeCell?.model.type === 'code',
    execute: () => {
      const panel = found.panel, cell = panel?.content.activeCell;
      return panel && cell ? asked(() => scheduleCell(server, panel, cell)) : undefined;
    }
  });
}

function ofRuns(app: JupyterFrontEnd, server: IServer, asked: Asked): void {
  const { commands } = app;
  commands.addCommand(Commands.retryWith, {
    describedBy: ARGS[Commands.retryWith],
    label: 'Retry with Changes…',
    isVisible: ({ run }) => server.known.rows.get(run as number)?.actions.includes('retry') ?? true,
    execute: ({ run }) =>
      asked(async () => {
        const started = await retryWithChanges(server, run as number);
        tell(app, server, started && { run: started });
      })
  });
  commands.addCommand(Commands.backfill, {
    describedBy: ARGS[Commands.backfill],
    label: 'Backfill…',
    execute: ({ schedule }) => asked(() => backfill(server, schedule as string, run => show(app, Commands.openRun, { run })))
  });
}

// What came of a form, with a way to see it.
function tell(app: JupyterFrontEnd, server: IServer, outcome: Outcome): void {
  if (!outcome) return;
  server.refresh();
  const [text, command, args] =
    'run' in outcome
      ? ([`${outcome.run.name} runs: run ${outcome.run.id}`, Commands.openRun, { run: outcome.run.id }] as const)
      : ([`${outcome.schedule.name} is scheduled`, Commands.openPage, { schedule: outcome.schedule.name }] as const);
  Notification.success(text, { autoClose: READ_MS, actions: [{ label: 'Show', callback: () => show(app, command, args) }] });
}

// The page of the run or schedule, or the panel where there is no such page.
function show({ commands }: JupyterFrontEnd, command: string, args: { run?: number; schedule?: string }): void {
  const filter = args.schedule ?? '';
  void (commands.hasCommand(command) ? commands.execute(command, args) : commands.execute(Commands.openPanel, { filter }));
}
