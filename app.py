"""The dashboard's entry: `streamlit run app.py`. Pages are listed in `pages/navigation.py`."""

import streamlit as st
from starlette.middleware import Middleware

from pages.components.access import announce, make_gate, refuse_public_address
from pages.components.charts.chart_feed import ROUTES as CHARTS
from pages.components.completions.download_route import ROUTES as DOWNLOADS
from pages.components.ending import end_soon
from pages.components.runs.pulse_route import ROUTES as PULSE
from pages.components.static_routes import ROUTES, EarlyAssets
from rft_core.paths import keep_files_private

keep_files_private()
refuse_public_address()
announce()
app = st.App(
    "pages/navigation.py",
    routes=[*ROUTES, *PULSE, *CHARTS, *DOWNLOADS],
    middleware=[make_gate(), Middleware(EarlyAssets)],
    lifespan=end_soon,
)
