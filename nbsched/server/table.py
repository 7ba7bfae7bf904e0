"""The routes of all nouns: the handlers and the OpenAPI document are made of this table."""

from __future__ import annotations

from nbsched.server import events, news, notebooks, openapi, output, runs, schedules, store, times

NOUNS = (
    *store.ROUTES,
    *news.ROUTES,
    *runs.ROUTES,
    *output.ROUTES,
    *schedules.ROUTES,
    *times.ROUTES,
    *notebooks.ROUTES,
    *events.ROUTES,
)
ROUTES = (*NOUNS, openapi.route(NOUNS))
