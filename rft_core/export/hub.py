"""Pushing an export to the Hugging Face hub.

The token is read from the environment for each push, and is neither written nor shown anywhere.
`HF_ENDPOINT` names another hub than huggingface.co, as it does for all of huggingface_hub.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rft_core.errors import BadInputError, RftError, quote

HUGGING_FACE = "https://huggingface.co"
TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
MAKE_A_TOKEN = "Make one that may write on huggingface.co/settings/tokens, and set HF_TOKEN"
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def has_token() -> bool:
    return bool(_find_token())


def check_push(repository: str) -> None:
    """Before any work, and without network: raises BadInputError for a name that the hub does not
    take, and where there is no token."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        why = str(error)
    else:
        why = "" if REPOSITORY.fullmatch(repository) else "The owner is missing"
    if why:
        raise BadInputError(
            f"{quote(repository)} is no name for a model on the hub", why, "Write OWNER/NAME"
        )
    if not has_token():
        raise BadInputError(
            "There is no token for the hub", "HF_TOKEN is not set in the environment", MAKE_A_TOKEN
        )


def check_hub(repository: str) -> None:
    """Before minutes of work: raises RftError where the hub cannot be reached, or refuses the
    token."""
    from huggingface_hub.errors import HfHubHTTPError

    check_push(repository)
    with _explained(repository):
        try:
            _open_hub().whoami()
        except HfHubHTTPError as error:
            if error.response.status_code in (401, 403):
                raise  # another answer is that of a hub which does not say who asks


def push_folder(folder: Path, repository: str, *, public: bool, message: str) -> str:
    """Make the repository if it is not there, and upload all files in one commit. Its address.

    A repository that is made is private unless it is to be `public`; one that is there stays as
    visible as it is. Raises RftError.
    """
    from huggingface_hub.utils import logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    check_push(repository)
    disable_progress_bars()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    hub = _open_hub()
    # How huggingface_hub passes files to httpx is deprecated there, which is no news for people.
    with _explained(repository), warnings.catch_warnings(action="ignore"):
        hub.create_repo(repository, private=not public, exist_ok=True)
        _upload(hub, folder, repository, message)
    return f"{hub.endpoint}/{repository}"


def _upload(hub: Any, folder: Path, repository: str, message: str) -> None:
    """huggingface.co takes files by its own protocol, Xet; open files go by plain HTTP, which all
    hubs speak that `HF_ENDPOINT` may name."""
    if hub.endpoint == HUGGING_FACE:
        hub.upload_folder(repo_id=repository, folder_path=folder, commit_message=message)
        return
    from huggingface_hub import CommitOperationAdd

    with ExitStack() as opened:
        files = [
            CommitOperationAdd(path.name, opened.enter_context(path.open("rb")))
            for path in sorted(folder.iterdir())
        ]
        hub.create_commit(repository, files, commit_message=message)


def _open_hub() -> Any:
    from huggingface_hub import HfApi

    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=_find_token())


def _find_token() -> str:
    found = (os.environ.get(name, "").strip() for name in TOKEN_VARIABLES)
    return next(filter(None, found), "")


@contextmanager
def _explained(repository: str) -> Iterator[None]:
    """What can go wrong on the way to the hub, as errors that people can act on."""
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    what = f"'{repository}' could not be pushed"
    try:
        yield
    except HfHubHTTPError as error:
        code = error.response.status_code
        raise RftError(what, _hide_token(_first_line(error)), _advise(code)) from None
    except OfflineModeIsEnabled as error:
        raise RftError(what, "HF_HUB_OFFLINE is set", "Unset it to reach the hub") from error
    except (httpx.HTTPError, OSError) as error:
        where = os.environ.get("HF_ENDPOINT") or HUGGING_FACE
        raise RftError(
            what,
            f"The hub at {where} cannot be reached: {_hide_token(_first_line(error))}",
            "Check the network (or HF_ENDPOINT), then push again",
        ) from None
    except (ValueError, RuntimeError) as error:  # the card's metadata, or the upload of one file
        told = [" ".join(str(one).split())[:300] for one in (error, error.__cause__) if one]
        raise RftError(what, _hide_token(" ".join(told)), "Then push again") from None


def _advise(code: int) -> str:
    if code == 401:
        return f"The hub does not know the token. {MAKE_A_TOKEN}"
    if code == 403:
        return "The token may not write there: choose a name of your own, or a token that may"
    return "Try again, or choose another name"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]


def _hide_token(text: str) -> str:
    token = _find_token()
    return text.replace(token, "…") if token else text
