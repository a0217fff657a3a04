"""Rows of a dataset on the Hugging Face hub, or of a local folder laid out like one -> Table.

Rows are streamed, so a limit is cheap even on a huge dataset. Nothing is written but the cache
that `datasets` keeps. Runs in a process of its own: see `reading_child.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rft_core.data.table import MAX_ROWS, Table, build_table, clean_file_name
from rft_core.errors import BadInputError, RftError

Progress = Callable[[int], None]
"""Called with the number of rows read so far; whatever it raises cancels the reading."""

_CONNECT_TIMEOUT_SECONDS = 10
LONGEST_LIST = 300  # characters


def read_hub_rows(
    name: str,
    split: str = "train",
    limit: int | None = None,
    *,
    subset: str | None = None,
    on_progress: Progress | None = None,
) -> Table:
    """The first `limit` rows of a split. `subset` is the hub's configuration name (`main`).

    Raises BadInputError for an unknown dataset, subset or split, RftError without a network.
    """
    folder = Path(name).expanduser()
    is_local = folder.is_dir()
    if not is_local:
        _check_hub_dataset(name)
    import datasets

    source = str(folder.resolve()) if is_local else name
    try:
        stream = datasets.load_dataset(source, name=subset, split=split, streaming=True)
        rows = _iterate_rows(stream, min(limit or MAX_ROWS + 1, MAX_ROWS + 1), on_progress)
        columns = stream.column_names or ()
        return build_table(clean_file_name(name), "hub", rows, columns)
    except ConnectionError as error:
        raise _unreachable(name, error) from error
    # What the libraries for foreign files raise is as odd as the files are.
    except (ValueError, OSError, LookupError, TypeError, AttributeError, NotImplementedError,
            datasets.exceptions.DatasetsError) as error:  # fmt: skip
        if subset is None and len(subsets := _list_subsets(source)) > 1:
            raise BadInputError(
                f"The dataset '{name}' has several subsets, and none was chosen",
                f"They are {', '.join(subsets)[:LONGEST_LIST]}",
                f"Choose one of them as the subset, such as {subsets[0]}",
            ) from error
        raise BadInputError(
            f"The dataset '{name}' cannot be read",
            str(error).partition("\n")[0][:300],
            "Check the name, the subset and the split; a local folder must hold data files",
        ) from error


def _list_subsets(source: str) -> list[str]:
    """The configurations that the dataset's card or its files name; none where they cannot be."""
    import datasets

    try:
        return [str(name) for name in datasets.get_dataset_config_names(source)]
    except Exception:  # as above: whatever it is, the first error is told
        return []


def _iterate_rows(
    stream: Any, limit: int, on_progress: Progress | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, row in enumerate(stream.take(limit), start=1):
        yield f"Row {number}", row
        if on_progress is not None:
            on_progress(number)


def _check_hub_dataset(name: str) -> None:
    """Ask the hub once, with a timeout: `datasets` alone retries for half a minute offline."""
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        HfApi().dataset_info(name, timeout=_CONNECT_TIMEOUT_SECONDS)
    except HFValidationError as error:
        raise BadInputError(
            f"'{name}' is neither a dataset name nor a folder",
            "a hub dataset is named like openai/gsm8k",
            "Correct the name, or give the path of an existing folder",
        ) from error
    except HfHubHTTPError as error:
        raise BadInputError(
            f"The hub does not give out a dataset '{name}'",
            str(error).partition("\n")[0][:300],
            "Check the spelling; for a private or gated dataset, log in with `hf auth login`",
        ) from error
    except (OfflineModeIsEnabled, ConnectionError, httpx.TransportError) as error:
        raise _unreachable(name, error) from error


def _unreachable(name: str, error: Exception) -> RftError:
    return RftError(
        f"The dataset '{name}' cannot be fetched",
        f"the Hugging Face hub is not reachable ({str(error).partition(chr(10))[0][:200]})",
        "Check the network, or give a local folder or upload a file instead",
    )
