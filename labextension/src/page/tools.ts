// What the panes of a run are made with.

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import type { IServer } from '../server';

export interface Tools {
  app: JupyterFrontEnd;
  server: IServer;
  rendermime: IRenderMimeRegistry;
  // null where the application has none: sources are plain then
  languages: IEditorLanguageRegistry | null;
}
