// The page of schedules and runs, and single runs, in the main area; both come back with the layout, and are loaded
// when they are wanted first.

import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { Widget } from '@lumino/widgets';

import { ARGS, CATEGORY, Commands } from '../commands';
import { icon } from '../icons';
import { IServer } from '../server';
import type { PageWidget } from './pagewidget';
import type { RunWidget } from './runwidget';
import type { Tools } from './tools';

interface Wanted {
  run?: number;
  schedule?: string;
}

export const page: JupyterFrontEndPlugin<void> = {
  id: 'nbsched:page',
  description: 'A page of all schedules and runs, and of single runs.',
  autoStart: true,
  requires: [IServer, IRenderMimeRegistry],
  optional: [IEditorLanguageRegistry, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd, server: IServer, rendermime: IRenderMimeRegistry, languages: IEditorLanguageRegistry | null,
    palette: ICommandPalette | null, restorer: ILayoutRestorer | null
  ): void => {
    const tools: Tools = { app, server, rendermime: rendermime.clone(), languages };
    const pages = new WidgetTracker<MainAreaWidget<PageWidget>>({ namespace: 'nbsched-page' });
    const runs = new WidgetTracker<MainAreaWidget<RunWidget>>({ namespace: 'nbsched-run' });
    addPage(tools, pages);
    addRun(tools, runs);
    palette?.addItem({ command: Commands.openPage, category: CATEGORY });
    if (!restorer) return;
    void restorer.restore(pages, { command: Commands.openPage, name: () => 'page' });
    void restorer.restore(runs, { command: Commands.openRun, args: ({ content }) => ({ run: content.run }), name: ({ content }) => String(content.run) });
  }
};

function addPage(tools: Tools, tracker: WidgetTracker<MainAreaWidget<PageWidget>>): void {
  tools.app.commands.addCommand(Commands.openPage, {
    describedBy: ARGS[Commands.openPage],
    label: 'Schedules and Runs',
    caption: 'All schedules and runs: list, matrix, graph, timeline',
    icon,
    execute: async args => {
      const { PageWidget } = await import('./pagewidget');
      const found = tracker.find(() => true), open = found ?? framed(tools, new PageWidget(tools));
      if (found) tools.app.shell.activateById(found.id);
      else await tracker.add(open);
      open.content.choose(args as Wanted);
      return open;
    }
  });
}

function addRun(tools: Tools, tracker: WidgetTracker<MainAreaWidget<RunWidget>>): void {
  tools.app.commands.addCommand(Commands.openRun, {
    describedBy: ARGS[Commands.openRun],
    label: 'Open Run',
    caption: 'A run in a tab of its own: details, output, log, events, comparison',
    isEnabled: ({ run }) => typeof run === 'number',
    execute: async args => {
      const { RunWidget } = await import('./runwidget');
      const run = (args as Wanted).run as number, found = tracker.find(({ content }) => content.run === run);
      const open = found ?? framed(tools, new RunWidget(tools, run));
      if (found) tools.app.shell.activateById(found.id);
      else await tracker.add(open);
      return open;
    }
  });
}

// In the main area, and in front.
function framed<T extends Widget>({ app }: Tools, content: T): MainAreaWidget<T> {
  const whole = new MainAreaWidget({ content });
  whole.id = content.id;
  content.id = `${content.id}-content`;
  whole.toolbar.hide();
  app.shell.add(whole, 'main');
  app.shell.activateById(whole.id);
  return whole;
}
