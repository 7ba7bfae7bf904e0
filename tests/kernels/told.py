"""Notebooks that are about to run, and what a kernel tells of their cells."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from nbsched.kernels.journal import notebook_node


def notebook(*sources: str) -> Any:
    cells = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    return notebook_node({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def message(kind: str, **content: Any) -> dict[str, Any]:
    return {"msg_type": kind, "header": {"msg_type": kind}, "parent_header": {}, "content": content}


def printed(text: str) -> dict[str, Any]:
    return message("stream", name="stdout", text=text)


def shown(text: str, display: str | None = None, kind: str = "display_data") -> dict[str, Any]:
    transient = {"display_id": display} if display else {}
    return message(kind, data={"text/plain": text}, metadata={}, transient=transient)


names = st.sampled_from(["a", "b"])
words = st.text(max_size=5)
messages = st.one_of(
    st.builds(printed, words),
    st.builds(shown, words),
    st.builds(shown, words, names),
    st.builds(shown, words, names, st.just("update_display_data")),
    st.builds(message, st.just("clear_output"), wait=st.booleans()),
)
