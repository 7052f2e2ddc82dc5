"""The login as a table: what is in it, that nothing else is possible, and that no way round the second factor exists."""

from collections.abc import Iterator
from itertools import product

import pytest

from focys.domain.login import NEXT, OutOfTurnError, Proof, Step, advance, password_proof

SECOND_FACTORS = {Proof.FIRST_FACTOR, Proof.SECOND_FACTOR}
OUT_OF_TURN = [pair for pair in product(Step, Proof) if pair not in NEXT]


def walks(step: Step, shown: tuple[Proof, ...] = ()) -> Iterator[tuple[Proof, ...]]:
    """Every series of proofs that leads from a step to the end."""
    if step is Step.DONE:
        yield shown
    for (here, proof), after in NEXT.items():
        if here is step:
            yield from walks(after, (*shown, proof))


@pytest.mark.parametrize(("step", "proof"), OUT_OF_TURN)
def test_a_proof_not_in_the_table_is_out_of_turn(step, proof):
    with pytest.raises(OutOfTurnError) as refused:
        advance(step, proof)

    assert refused.value.step is step


@pytest.mark.parametrize(("step", "proof"), NEXT)
def test_a_proof_in_the_table_leads_to_the_next_step(step, proof):
    assert advance(step, proof) is NEXT[step, proof] is not step


def test_the_login_table_is_as_specified():
    """FLOW-01: a change of the login is a change of this test."""
    assert len(OUT_OF_TURN) == len(Step) * len(Proof) - len(NEXT) == 40
    assert set(walks(Step.PASSWORD)) == {
        (Proof.PASSWORD_WITHOUT_MFA, Proof.EMAIL_CODE, Proof.FIRST_FACTOR),
        (Proof.PASSWORD_WITH_MFA, Proof.SECOND_FACTOR),
        (Proof.PASSWORD_MFA_OPTIONAL,),
        (Proof.PASSWORD_MFA_BYPASSED,),
    }


def test_nothing_follows_done_or_leads_back_to_the_password():
    assert Step.DONE not in {step for step, _ in NEXT}
    assert Step.PASSWORD not in NEXT.values()


@pytest.mark.parametrize("mfa_enabled", [True, False])
def test_every_path_includes_a_second_factor_where_mfa_is_required(mfa_enabled):
    """TOTP-16, FLOW-05: also with the flag cleared in the database."""
    proof = password_proof(mfa_enabled=mfa_enabled, mfa_required=True)

    ways = list(walks(advance(Step.PASSWORD, proof)))

    assert ways
    assert all(SECOND_FACTORS & set(way) for way in ways)


@pytest.mark.parametrize("mfa_required", [True, False])
def test_an_emailed_code_never_signs_in_an_enrolled_account(mfa_required):
    proof = password_proof(mfa_enabled=True, mfa_required=mfa_required)

    ways = list(walks(advance(Step.PASSWORD, proof)))

    assert {way[-1] for way in ways} == {Proof.SECOND_FACTOR}
    assert not any(Proof.EMAIL_CODE in way for way in ways)


def test_a_password_alone_signs_in_only_where_mfa_is_optional_and_unused():
    enough = [
        (enabled, required)
        for enabled, required in product((True, False), repeat=2)
        if advance(Step.PASSWORD, password_proof(mfa_enabled=enabled, mfa_required=required)) is Step.DONE
    ]

    assert enough == [(False, False)]


@pytest.mark.parametrize("mfa_required", [True, False])
def test_a_bypass_applies_to_enrolled_accounts_only(mfa_required):
    """ADM-07: nobody enrolls, or gets by without, because of one."""
    enrolled = password_proof(mfa_enabled=True, mfa_required=mfa_required, is_bypassed=True)
    not_enrolled = password_proof(mfa_enabled=False, mfa_required=mfa_required, is_bypassed=True)

    assert advance(Step.PASSWORD, enrolled) is Step.DONE
    assert not_enrolled is password_proof(mfa_enabled=False, mfa_required=mfa_required)
