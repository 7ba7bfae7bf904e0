// The sign of nbsched: a clock whose hands are two steps of a pipeline.

import { LabIcon } from '@jupyterlab/ui-components';

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" stroke="#616161" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round">
    <path fill="none" d="M12 3A9 9 0 1 1 4.2 7.5"/><path fill="none" d="M12 9.2V12.4l3.3 2.3"/>
  </g>
  <g class="jp-icon3" fill="#616161"><circle cx="12" cy="7.9" r="1.9"/><circle cx="16.2" cy="15.3" r="1.9"/><circle cx="6.9" cy="4.4" r="1.5"/></g>
</svg>`;

export const icon = new LabIcon({ name: 'nbsched:icon', svgstr: SVG });
