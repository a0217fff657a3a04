"""Jobs: starting, stopping, resuming, forking and deleting runs. Loads no torch.

What pages and the command line call is mostly in `launcher.py`; `supervisor.py` is the process that
answers. Nothing is imported here: the supervisor needs little, and begins at once.

    run_id = launch(runs_dir, make_config({"task": "countdown"}), command_id=new_command_id())
    status = wait_for_end(runs_dir, run_id)
"""
