"""What every panel shows and is fed from: in a cell, in JupyterLab, and as plain HTML."""
