// What nbsched adds to JupyterLab and Notebook: one plugin per file.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { acting } from './acting';
import { badge } from './badge';
import { cells } from './cells';
import { form } from './form/plugin';
import { page } from './page/plugin';
import { panel } from './panel';
import { server } from './server';
import { status } from './status';
import { toast } from './toast';

const plugins: JupyterFrontEndPlugin<any>[] = [server, acting, cells, panel, page, status, toast, badge, form];

export default plugins;
