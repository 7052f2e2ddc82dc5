"""The attacker who knows the password, played against the lock policy: the budget holds, however they go about it."""

import importlib.util
import math
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[3] / "bench" / "attacker.py"


@pytest.fixture(scope="module")
def bench() -> Any:
    """The simulation, loaded from its own folder."""
    spec = importlib.util.spec_from_file_location("attacker", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["attacker"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("strategy", ["ALONE", "THOUSAND", "BURSTS", "AFTER_THE_OWNER"])
def test_no_365_days_hold_more_than_fifteen_guesses(bench, strategy):
    """LOCK-05: many browsers, or the owner's sign-ins in between, change nothing."""
    game = bench.play(bench.Focys(), getattr(bench, strategy), days=3 * 365)

    assert game.most_in_a_year == 15
    assert len(game.singles) > 2 * 15
    assert 4e-5 < game.chance < 5e-5


def test_pairs_are_examined_up_to_a_hundred_failures_in_365_days(bench):
    """LOCK-05, LOCK-06: locked or guarded; at most sixty within an hour, with a negligible chance."""
    game = bench.play(bench.Focys(), bench.PAIRS, days=3 * 365)

    hour = timedelta(hours=1)
    assert (game.most_in_a_year, game.pairs_a_year) == (15, 90)
    assert max(sum(at - hour < other <= at for other in game.pairs) for at in game.pairs) == 60
    assert game.chance == pytest.approx(15 * bench.CHANCE_OF_A_CODE, rel=1e-4)


def test_the_attack_does_not_affect_the_owners_browser(bench):
    """AVL-08: strangers fill the strangers' bucket only."""
    rule = bench.Focys()

    bench.play(rule, bench.PAIRS, days=2)

    now = bench.START + timedelta(days=2)
    assert rule.standing(bench.HOME, now) == bench.Single()
    assert rule.standing("a device of somebody else", now) != bench.Single()


def test_the_owner_on_a_new_device_clears_only_their_own_mistakes(bench):
    """LOCK-05: somebody else's success forgives nothing."""
    rule, now = bench.Focys(), bench.START
    for number in range(4):
        rule.fail("attacker", f"login {number}", now)
    rule.fail("library", "the owner's login", now)
    assert rule.standing("attacker", now) == bench.Pair()

    rule.succeed("library", "the owner's login")

    assert rule.standing("attacker", now) == bench.Single()
    rule.fail("attacker", "login 4", now)
    assert rule.standing("attacker", now) == bench.Pair()
    assert rule.standing("library", now) == bench.Single()


@pytest.mark.parametrize(("workers", "a_day"), [(1, 480), (4, 1920)])
def test_the_guides_rule_alone_would_examine_thousands_of_guesses(bench, workers, a_day):
    """LOCK-01: what the budget is measured against."""
    game = bench.play(bench.Guide(workers), bench.ALONE, days=10)

    assert len(game.singles) == 10 * a_day


def test_the_odds_are_those_of_the_design(bench):
    """LOCK-05: 5 in 100,000 a year, against 41 % for the guide's rule and 88 % with four workers."""
    chances = [
        bench.Game([bench.START + n * timedelta(seconds=30) for n in range(guesses)]).chance
        for guesses in (15, 480 * 365, 1920 * 365)
    ]

    assert [round(chance, 5) for chance in chances[:1]] == [0.00004]
    assert [round(chance, 2) for chance in chances[1:]] == [0.41, 0.88]


@pytest.mark.parametrize(("failures", "left"), [(0, 5), (4, 1), (7, 3)])
def test_a_burst_is_worth_the_tries_that_are_left(bench, failures, left):
    """Three hundred codes at once: what is compared was charged, and the right code has no better chance than another."""
    sent = bench.send_bursts(bench.charged_first, failures=failures, bursts=300)

    assert (sent.compared, sent.charged) == (left, left)
    # Of 300 bursts so many let somebody in on average; as many as this do in one of a hundred thousand runs.
    assert sent.share * 300 <= left + 5 * math.sqrt(left) + 3


@pytest.mark.parametrize("failures", [0, 4])
def test_comparing_before_charging_would_allow_many_more_guesses(bench, failures):
    """What the order of the two is for: hundreds of codes are compared, and the right one is written first."""
    first = bench.send_bursts(bench.compared_first, failures=failures, bursts=300)
    left = first.charged

    assert left <= 5
    assert first.compared > 20 * left
    assert first.worth > 3 * left


def test_the_simulation_prints_a_table_and_exits_0(bench, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    played = bench.play
    monkeypatch.setattr(bench, "play", lambda rule, attacker, *, days: played(rule, attacker, days=days // 100 + 1))
    monkeypatch.setattr(bench, "send_bursts", partial(bench.send_bursts, bursts=20))

    code = bench.main()

    assert code == 0
    printed = capsys.readouterr().out
    assert "was never exceeded" in printed
    assert "compared, then charged" in printed
