"""The HTTP app: the API behind the request guard, and the pages."""

from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route

from focys import __version__
from focys.features.audit import begin_counting
from focys.features.login import FactorResponses
from focys.features.sessions import SessionsApi
from focys.infra.mail.mailer import Mailer
from focys.infra.ops import logs, metrics
from focys.infra.ops.clock import Clock
from focys.infra.web import branding, health, replies
from focys.infra.web.branding import Brand
from focys.infra.web.callers import Callers, Cookies
from focys.infra.web.dependencies import Web
from focys.infra.web.http import RequestGuard
from focys.infra.web.origins import PAGE_HEADER, Origins
from focys.infra.web.pages import Pages
from focys.infra.web.startup import StartupErrors
from focys.running import running
from focys.services import Services, build_services
from focys.settings import DEMO_PAGES, PAGES, Settings, load_settings

_BUSIEST = {path: rank for rank, path in enumerate(("/auth/me", "/auth/totp/verify", "/auth/login", "/auth/refresh"))}


def create_app(
    settings: Settings | None = None, *, clock: Clock | None = None, mailer: Mailer | None = None
) -> FastAPI:
    """Return the API, ready to be served at the root of a host or under a prefix.

    Raises:
        SettingsError: the configuration cannot be used.
    """
    settings = settings or load_settings()
    logs.configure(log_file=settings.log_file)
    services = build_services(settings, clock=clock, mailer=mailer)
    app = FastAPI(
        title="FOCYS",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # Behind a proxy, a redirect would point to an address without TLS and without the prefix.
        redirect_slashes=False,
        # Otherwise OpenTelemetry instruments each request, including the reason a request could not be parsed.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=lambda _app: running(services),
    )
    for feature in services.features:
        begin_counting(feature.events, feature.alarms)
    _fill_state(app, services)
    _add_routes(app, [feature.router for feature in services.features if feature.router is not None])
    replies.install(app)
    cors = partial(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_credentials=True,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", PAGE_HEADER],
        expose_headers=["Retry-After", "X-Request-ID"],
        max_age=600,
    )
    app.add_middleware(RequestGuard, settings=settings, cors=cors)
    app.add_middleware(StartupErrors)
    return app


def _fill_state(app: FastAPI, services: Services) -> None:
    """Store what the dependencies of routes read."""
    settings, cookies = services.settings, Cookies(secure=services.settings.is_secure)
    app.state.services = services
    app.state.web = Web(Callers(settings, cookies), cookies, Origins(settings))
    app.state.login = services.login
    app.state.factor_login = FactorResponses(services.login, cookies)
    app.state.brand = Brand.of(settings)
    app.state.unsaved_codes = services.unsaved_codes
    app.state.password_change = services.password_change
    app.state.sessions_api = SessionsApi(services.sessions, services.clock, services.login.cancel)
    app.state.own_account = services.own_account
    app.state.readiness = services.readiness
    app.state.metrics_folder = settings.prometheus_multiproc_dir


def _add_routes(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    for router in (*routers, health.router):
        # Not include_router: FastAPI searches the routes of an included router twice per request.
        app.router.routes.extend(router.routes)
    # Routes are tried in order, so the busiest go first.
    app.router.routes.sort(key=lambda route: _BUSIEST.get(getattr(route, "path", ""), len(_BUSIEST)))
    app.include_router(metrics.router, include_in_schema=False)
    app.include_router(branding.router, include_in_schema=False)


def create_site(settings: Settings | None = None, *, clock: Clock | None = None, demo: bool = False) -> Starlette:
    """Return the pages at ``/`` and the API at ``/api``, served by one process. The pages of a demo have its phone.

    Raises:
        SettingsError: the configuration cannot be used.
    """
    settings = settings or load_settings()
    api = create_app(settings, clock=clock)
    pages = Pages(DEMO_PAGES, demo=True) if demo else Pages(PAGES)
    return Starlette(
        # A mount does not match its own path without a trailing slash, which would otherwise serve the page.
        routes=[Mount("/api", api), Route("/api", api), Mount("/", RequestGuard(GZipMiddleware(pages), settings))],
        lifespan=lambda _app: running(api.state.services),
        middleware=[Middleware(StartupErrors)],
    )
