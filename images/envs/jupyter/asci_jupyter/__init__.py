"""JupyterLab behind ASCI's proxy: who may in is ASCI's business, and only the proxy is let in."""
