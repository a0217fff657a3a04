"""What a person does on the pages, in one line each."""

import json
from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as NotInTime

from tests.browser.conftest import wait_for_app

FIRST_PLOT = ".rft-plotly >> nth=0"
LOADED = 90_000  # milliseconds in which a model has been loaded, on a machine with much else to do
OPENED, OPENINGS = 10_000, 3


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def upload(page: Page, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """To the Prompts page, until the model's view of it is drawn: for that a model is loaded."""
    content = "\n".join(json.dumps(row) for row in rows).encode()
    file: Any = {"name": name, "mimeType": "application/jsonl", "buffer": content}
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("Shortest")).to_be_visible(timeout=LOADED)


def choose(page: Page, box: str, option: str) -> None:
    """Once what was done before is drawn. Where that closes the list under the mouse: again."""
    for _ in range(OPENINGS):
        wait_for_app(page)
        page.get_by_role("combobox", name=box).click()
        try:
            page.get_by_role("option", name=option, exact=True).click(timeout=OPENED)
        except NotInTime:
            continue
        return
    raise AssertionError(f"'{box}' never offered '{option}'")


def type_source(page: Page, source: str) -> None:
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(source)


def fill_number(page: Page, label: str, value: int) -> None:
    box = page.get_by_role("spinbutton", name=label, exact=True)
    box.fill(str(value))
    box.press("Enter")


def zoom_in(page: Page) -> None:
    box = page.locator(FIRST_PLOT).bounding_box()
    assert box
    page.mouse.move(box["x"] + 90, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 62, steps=8)
    page.mouse.up()


def x_range(page: Page) -> list[float]:
    return list(page.locator(FIRST_PLOT).evaluate("plot => plot.layout.xaxis.range.slice()"))
