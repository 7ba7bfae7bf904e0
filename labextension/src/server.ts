// The connection to the server as a service of the application.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { Connection } from './connection';
import { IServer } from './tokens';

export { Refused } from './ask';
export { IServer } from './tokens';
export type { State } from './tokens';

export const server: JupyterFrontEndPlugin<IServer> = {
  id: 'nbsched:server',
  description: 'What the Jupyter server knows of nbsched, live.',
  autoStart: true,
  provides: IServer,
  activate: (app: JupyterFrontEnd): IServer => {
    const connection = new Connection(app.serviceManager);
    void app.started.then(() => connection.start());
    return connection;
  }
};
