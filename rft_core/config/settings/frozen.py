"""What all groups of settings have in common."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Never changed once it is made, compared by value; unknown keys and infinities are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
