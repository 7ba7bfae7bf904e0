// What nbsched adds to JupyterLab and Notebook: one plugin per file.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { server } from './server';

const plugins: JupyterFrontEndPlugin<any>[] = [server];

export default plugins;
