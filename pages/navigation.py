"""The script behind every page: settings, sign-in, the list of pages, then the page itself."""

from pathlib import Path

import streamlit as st

from pages.components.access import require_sign_in
from pages.components.page_header import shown_errors
from pages.components.runs.notices import notices

HERE = Path(__file__).resolve().parent


def _page(name: str, title: str, icon: str, help: str, default: bool = False) -> st.Page:
    return st.Page(
        HERE / f"{name}.py", title=title, icon=f":material/{icon}:", help=help, default=default
    )


PAGES = {
    "": [_page("overview", "Overview", "home", "Every run, and what to do next.", default=True)],
    "Set up": [
        _page("prompts", "Prompts", "dataset", "Upload prompts, map columns, write the template."),
        _page("rewards", "Rewards", "rule", "Write rewards and prove them on sampled completions."),
        _page("train", "Train", "model_training", "Choose settings, check them, launch."),
    ],
    "Watch": [
        _page("monitor", "Monitor", "monitoring", "Reward curves and diagnosis, live."),
        _page("generations", "Generations", "forum", "Every completion ever sampled, and why."),
        _page("compare", "Compare", "compare_arrows", "What differs between runs, and what for."),
    ],
    "Use": [
        _page("evaluate", "Evaluate", "leaderboard", "Base against tuned on held-out prompts."),
        _page("experiments", "Experiments", "science", "Many runs that answer one question."),
        _page("chat", "Chat", "chat", "Talk to the base and the tuned model side by side."),
    ],
}

FRONTEND = HERE / "components" / "frontend"
st.set_page_config(page_title="RFT Studio", page_icon=FRONTEND / "logo-small.svg", layout="wide")
st.logo(FRONTEND / "logo.svg", icon_image=FRONTEND / "logo-small.svg", size="large")
st.html(FRONTEND / "site.css")
require_sign_in()
page = st.navigation(PAGES)
notices()
with shown_errors():  # a page that caught nothing still says what is wrong, and no traceback
    page.run()
