"""PPO with a rule reward: a value head on the policy's own states, and several updates a rollout.

`token_advantages.py` and `losses.py` are formulas over tensors and know no trainer; `value_head.py`
is what is learned beside the adapter; `trainer.py` puts them into the frame of the other methods.
"""
