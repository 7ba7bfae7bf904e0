// The side panel's place: left or right, restored with the layout, opened by a command.

import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { ARGS, CATEGORY, Commands } from './commands';
import { icon } from './icons';
import { Side } from './side';
import { IServer } from './tokens';

const RANK = 450;

export const panel: JupyterFrontEndPlugin<void> = {
  id: 'nbsched:panel',
  description: 'The side panel of schedules and runs.',
  autoStart: true,
  requires: [IServer],
  optional: [ILayoutRestorer, ISettingRegistry, ICommandPalette],
  activate: (
    app: JupyterFrontEnd, server: IServer, restorer: ILayoutRestorer | null, settings: ISettingRegistry | null, palette: ICommandPalette | null
  ): void => {
    const side = new Side(server, app.commands);
    app.commands.addCommand(Commands.openPanel, {
      describedBy: ARGS[Commands.openPanel],
      label: 'Show Schedules and Runs',
      icon,
      execute: ({ filter }) => {
        app.shell.activateById(side.id);
        if (typeof filter === 'string') side.filterBy(filter);
      }
    });
    palette?.addItem({ command: Commands.openPanel, category: CATEGORY });
    restorer?.add(side, side.id);
    app.shell.add(side, 'left', { rank: RANK, type: 'Schedules' });
    void app.restored.then(() => side.unfold());
    void settings?.load(panel.id).then(found => {
      const place = (): void => move(app, side, found.composite.side === 'right' ? 'right' : 'left');
      found.changed.connect(place);
      if (found.composite.side === 'right') place();
    }, console.warn);
  }
};

function move(app: JupyterFrontEnd, side: Side, to: 'left' | 'right'): void {
  const shown = side.isVisible;
  app.shell.add(side, to, { rank: RANK, type: 'Schedules' });
  if (shown) app.shell.activateById(side.id);
}
