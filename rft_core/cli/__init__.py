"""The command line: the same verbs as the pages, without a browser.

`app.py` puts the commands together, one file per family; `output.py` is how they speak. Every
command imports what it needs when it runs, so that each starts fast and few load torch.
"""
