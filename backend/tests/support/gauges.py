"""Reads the gauges that features declare, as the service does at intervals."""

from typing import Any

from focys.features.feature import Feature
from tests.support.numbers import Numbers, scrape
from tests.support.service import World


async def read_gauges(world: World, feature: Feature, **settings: Any) -> Numbers:
    """What /metrics says once a feature's gauges are read, under other settings than the service's if any are given."""
    services = world.services
    for gauge in feature.gauges:
        await gauge.read(services.database, services.settings.model_copy(update=settings), world.clock.now())
    return await scrape(world.a_browser())
