"""Serves one of the pages beside it, named by RFT_TEST_PAGE, with the components' routes."""

import os

import streamlit as st

from pages.components.charts.chart_feed import ROUTES as CHARTS
from pages.components.static_routes import ROUTES

app = st.App(os.environ["RFT_TEST_PAGE"], routes=[*ROUTES, *CHARTS])
