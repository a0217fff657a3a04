"""Taking a run's model away: a button on any page, and the dialog that exports and pushes it.

Which run's dialog is open stands in the address as `?export=`, and the export itself is a process
of its own: so a page that is loaded again, or another person's, shows the same export go on.
"""

import io
import zipfile
from pathlib import Path

import streamlit as st

from pages.components.page_header import plain, show_error, shown_errors
from rft_core.errors import BadInputError, RftError
from rft_core.export import read_ways
from rft_core.export.hub import has_token
from rft_core.export.model_card import describe_proof
from rft_core.jobs.exporting import cancel_export, read_last_words, start_export
from rft_core.paths import get_exports_dir, get_runs_dir
from rft_core.store.adapters import StoredAdapter, list_adapters
from rft_core.store.exports import ExportRecord, ExportRequest, get_export
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, get_run

ADDRESS = "export"
LOOK_SECONDS = 1.0
MOST_DOWNLOADED = 256e6  # bytes that a browser is sent at once; what is larger is fetched by hand
ADAPTER, MERGED = "Adapter", "Merged model"
WHAT = {
    ADAPTER: "The LoRA weights alone: a few megabytes, used together with the base model.",
    MERGED: "The whole model, without need of its base. It is read back and must answer the run's "
    "validation prompts as the base with the adapter does, which takes a while.",
}


def export_button(run_id: str, *, step: int | None = None, label: str = "Export") -> None:
    """Opens the dialog; the page shows it by `show_export`."""
    name = run_id if step is None else f"{run_id}@{step}"
    if st.button(
        label, key=f"export-{name}", icon=":material/ios_share:", type="tertiary",
        help="Take the model away: as a folder, or on the Hugging Face hub.",
    ):  # fmt: skip
        st.query_params[ADDRESS] = name
        st.rerun()


def show_export() -> None:
    """The dialog of the run that the address names, if it names one. Once on a page, at its end."""
    if name := st.query_params.get(ADDRESS):
        export_dialog(name)


def _close() -> None:
    st.query_params.pop(ADDRESS, None)


@st.dialog("Take the model away", width="medium", icon=":material/ios_share:", on_dismiss=_close)
@shown_errors()
def export_dialog(name: str) -> None:
    """`name`: RUN, or RUN@STEP, whose checkpoint is chosen first."""
    run_id, _, step = name.partition("@")
    folder = get_runs_dir()
    with open_index(folder) as index:
        run = get_run(index, run_id)
    st.caption(f"{plain(run.name or run.id)} · {plain(run.config.model)}")
    latest = get_export(folder, run_id)
    if latest and latest.is_running:
        st.fragment(progress, run_every=LOOK_SECONDS)(run_id)
        return
    request = ask(run, list_adapters(folder, run_id), latest, step)
    if latest:
        st.divider()
        show_latest(latest)
    if request is not None:
        begin(request)


@shown_errors()
def progress(run_id: str) -> None:
    """How far it is, look after look; then what became of it."""
    latest = get_export(get_runs_dir(), run_id)
    if latest is None or not latest.is_running:
        st.rerun()
    assert latest is not None
    st.progress(min(latest.share, 1.0), text=plain(latest.doing[:1].upper() + latest.doing[1:]))
    st.caption(f"It goes to `{plain(latest.request.to)}`, and goes on when this page is closed.")
    if st.button("Cancel", key="export-cancel", icon=":material/stop:"):
        with st.spinner("Ending it …"):
            cancel_export(get_runs_dir(), run_id)
        st.rerun()


def begin(request: ExportRequest) -> None:
    try:
        start_export(get_runs_dir(), request)
    except RftError as error:
        show_error(error)
        return
    st.rerun()


def ask(
    run: RunRow, adapters: list[StoredAdapter], latest: ExportRecord | None, step: str
) -> ExportRequest | None:
    """Draw the form; what it asks for, if its button was just pressed."""
    if not adapters:
        st.info("This run has no adapter yet. The first comes with its first checkpoint.")
        return None
    before = latest.request if latest else None
    what = st.segmented_control(
        "What", [ADAPTER, MERGED], default=MERGED if before and before.merged else ADAPTER,
        required=True, key=f"export-what-{run.id}",
    )  # fmt: skip
    st.caption(WHAT[what])
    labels = [adapter.label for adapter in adapters]
    wanted = f"step {step}" if step else labels[0]
    chosen = st.selectbox(
        "Of", labels, index=labels.index(wanted) if wanted in labels else 0,
        key=f"export-of-{run.id}-{step}",
    )  # fmt: skip
    adapter = adapters[labels.index(chosen)]
    proposed = propose_name(run.id, adapter, what, before)
    name = st.text_input(
        "Folder", proposed, key=f"export-to-{proposed}", max_chars=120,
        help=f"In {get_exports_dir(get_runs_dir())}. Elsewhere: python -m rft_core export "
        f"{run.id} --to DIR",
    )  # fmt: skip
    push, public = ask_for_push(run.id, before)
    if not st.button(
        "Export", type="primary", key=f"export-go-{proposed}", icon=":material/ios_share:"
    ):
        return None
    to = place(name)
    return ExportRequest(run.id, str(to), what == MERGED, adapter.step, push, public)


def ask_for_push(run_id: str, before: ExportRequest | None) -> tuple[str, bool]:
    """OWNER/NAME, or nothing; and whether everybody may see it."""
    pushes = st.toggle(
        "Push it to the Hugging Face hub too", value=bool(before and before.push),
        key=f"export-push-{run_id}",
    )  # fmt: skip
    if not pushes:
        return "", False
    if not has_token():
        st.warning(
            "There is no token: set HF_TOKEN where the dashboard is started. It is read for each "
            "push and stored nowhere.", icon=":material/key:",
        )  # fmt: skip
    name = st.text_input(
        "Repository", before.push if before else "", placeholder="OWNER/NAME",
        key=f"export-repository-{run_id}",
    )  # fmt: skip
    public = st.checkbox(
        "Public", value=bool(before and before.public), key=f"export-public-{run_id}",
        help="Off: a repository that is made now is private. One that is there stays as it is.",
    )  # fmt: skip
    return name.strip() or "?", public  # a name that is left out is refused as one


def propose_name(
    run_id: str, adapter: StoredAdapter, what: str, before: ExportRequest | None
) -> str:
    """A folder that is not there; of a push that failed the one that lies there, to be pushed."""
    kind = "merged" if what == MERGED else "adapter"
    base = f"{run_id}-{kind}" + (f"-step-{adapter.step}" if adapter.step is not None else "")
    latest = get_export(get_runs_dir(), run_id)
    if before and latest and latest.outcome == "failed" and before.push:
        asked = (before.kind, before.step)
        if asked == (kind, adapter.step) and Path(before.to).is_dir():
            return Path(before.to).name
    number, name = 1, base
    while (get_exports_dir(get_runs_dir()) / name).exists():
        number += 1
        name = f"{base}-{number}"
    return name


def place(name: str) -> Path:
    """Raises BadInputError for a name that would lead elsewhere."""
    if not name.strip() or Path(name).name != name or name.startswith("."):
        raise BadInputError(
            f"'{name}' is no name for a folder", "It lies among the exports",
            "Write a name without slashes, which begins with no point",
        )  # fmt: skip
    return get_exports_dir(get_runs_dir()) / name


def show_latest(latest: ExportRecord) -> None:
    """What became of the last one that was asked for."""
    request = latest.request
    if latest.state == "failed":
        what, why, fix = (*latest.error, "", "", "")[:3]
        show_error(RftError(what, why, fix))
    elif latest.state == "stopped":
        st.caption(f"The export to `{plain(request.to)}` was cancelled. Nothing is left of it.")
    elif latest.state == "interrupted":
        words = read_last_words(get_runs_dir(), request.run)
        st.warning(
            f"The export to `{plain(request.to)}` ended without a word. {plain(words)}",
            icon=":material/bolt:",
        )
    else:
        show_result(latest)


def show_result(latest: ExportRecord) -> None:
    folder = Path(latest.request.to)
    if not folder.is_dir():
        st.caption(f"The last export went to `{plain(latest.request.to)}`, and is gone from there.")
        return
    where = f"  \nPushed to {latest.pushed_to}" if latest.pushed_to else ""
    st.success(f"Exported to `{plain(latest.request.to)}`{where}", icon=":material/check:")
    if latest.proof:
        st.caption(plain(describe_proof(latest.proof)))
    sizes = [path.stat().st_size for path in folder.iterdir()]
    with st.container(horizontal=True, vertical_alignment="center"):
        if sum(sizes) <= MOST_DOWNLOADED:
            st.download_button(
                "Download", lambda: zip_folder(folder), f"{folder.name}.zip", "application/zip",
                icon=":material/download:", key="export-download",
            )  # fmt: skip
        st.caption(f"{len(sizes)} files, {sum(sizes) / 1e6:,.1f} MB")
    with st.expander("Use it", icon=":material/terminal:"):
        for way in read_ways(get_runs_dir(), latest.request):
            st.markdown(f"**{way.title}**")
            st.code(way.text, language=way.language)


def zip_folder(folder: Path) -> bytes:
    """Weights do not get smaller: they are only put together."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{folder.name}/{path.name}")
    return packed.getvalue()
