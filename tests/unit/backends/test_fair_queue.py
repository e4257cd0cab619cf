"""The fair queue in front of a model."""

from __future__ import annotations

import asyncio
import threading

from hypothesis import given
from hypothesis import strategies as st

from backends.queue_notices import FairQueue, Ticket


def test_slots_are_held_at_once_and_places_counted_from_one() -> None:
    queue = FairQueue(2)
    tickets = [Ticket(queue) for _ in range(5)]
    assert [ticket.wait(0) for ticket in tickets] == [0, 0, 1, 2, 3]
    assert queue.waiting == 3


def test_a_slot_goes_to_the_one_who_waited_longest() -> None:
    queue = FairQueue(1)
    holder, first, second = (Ticket(queue) for _ in range(3))
    assert holder.wait(0) == 0
    assert second.wait(0) == 2
    holder.leave()
    assert second.wait(0) == 2  # free, but not ours
    assert first.wait(0) == 0
    first.leave()
    assert second.wait(0) == 0


def test_who_gives_up_while_waiting_makes_room_for_those_behind() -> None:
    queue = FairQueue(1)
    holder, impatient, patient = (Ticket(queue) for _ in range(3))
    assert holder.wait(0) == 0
    impatient.leave()
    assert patient.wait(0) == 1
    impatient.leave()  # twice does no harm
    holder.leave()
    holder.leave()
    assert patient.wait(0) == 0
    assert Ticket(queue).wait(0) == 1, "a slot was given back twice"


def test_a_ticket_that_holds_keeps_holding() -> None:
    ticket = Ticket(FairQueue(1))
    assert [ticket.wait(0), ticket.wait(0)] == [0, 0]


def test_leaving_the_block_gives_the_slot_back_whatever_happened() -> None:
    queue = FairQueue(1)
    for _ in range(3):
        try:
            with queue.ticket() as ticket:
                assert ticket.wait(0) == 0
                raise ValueError
        except ValueError:
            pass
    assert queue.waiting == 0


def test_many_threads_are_served_in_the_order_in_which_they_came() -> None:
    queue, served, most = FairQueue(1), [], []
    holder = Ticket(queue)
    assert holder.wait(0) == 0

    def visit(number: int, ticket: Ticket) -> None:
        while ticket.wait(10):
            pass
        served.append(number)
        most.append(len(served))
        ticket.leave()

    tickets = [Ticket(queue) for _ in range(20)]
    threads = [threading.Thread(target=visit, args=pair) for pair in enumerate(tickets)]
    for thread in reversed(threads):
        thread.start()
    holder.leave()
    for thread in threads:
        thread.join(20)
    assert served == list(range(20)) and queue.waiting == 0


@given(
    slots=st.integers(1, 4),
    steps=st.lists(st.tuples(st.sampled_from(["come", "wait", "leave"]), st.integers(0, 9))),
)
def test_never_more_holders_than_slots_and_never_out_of_turn(
    slots: int, steps: list[tuple[str, int]]
) -> None:
    queue = FairQueue(slots)
    tickets: list[Ticket] = []
    waiting: list[Ticket] = []
    holding: list[Ticket] = []
    for action, number in steps:
        if action == "come":
            tickets.append(Ticket(queue))
            waiting.append(tickets[-1])
        elif tickets:
            ticket = tickets[number % len(tickets)]
            if action == "leave":
                ticket.leave()
                waiting = [other for other in waiting if other is not ticket]
                holding = [other for other in holding if other is not ticket]
            elif ticket in waiting or ticket in holding:
                place = ticket.wait(0)
                next_one = waiting[:1] == [ticket] and len(holding) < slots
                if next_one:
                    waiting.remove(ticket)
                    holding.append(ticket)
                assert place == (0 if ticket in holding else waiting.index(ticket) + 1)
        assert len(holding) <= slots and queue.waiting == len(waiting)


def test_visitors_take_turns_and_not_their_requests() -> None:
    queue = FairQueue(1)
    holder = Ticket(queue, "a")
    assert holder.wait(0) == 0
    many = [Ticket(queue, "a") for _ in range(23)]
    lone = Ticket(queue, "b")
    pair = [Ticket(queue, "c") for _ in range(2)]
    assert [ticket.wait(0) for ticket in (lone, *pair, many[0], many[1])] == [1, 2, 4, 3, 5]
    left, served = [*many, lone, *pair], list[Ticket]()
    for _ in range(6):
        holder.leave()
        holder = next(each for each in left if each.wait(0) == 0)
        left.remove(holder)
        served.append(holder)
    assert served == [lone, pair[0], many[0], pair[1], many[1], many[2]]


def test_who_comes_again_and_again_does_not_pass_one_that_waits() -> None:
    queue = FairQueue(1)
    holder, patient = Ticket(queue, "a"), Ticket(queue, "a")
    assert holder.wait(0) == 0
    for _ in range(3):
        again = Ticket(queue, "b")
        holder.leave()
        holder = next(each for each in (patient, again) if each.wait(0) == 0)
        if holder is patient:
            break
    assert holder is patient


def test_what_a_visitor_gave_up_does_not_count_against_them() -> None:
    queue = FairQueue(1)
    holder = Ticket(queue, "a")
    assert holder.wait(0) == 0
    for ticket in [Ticket(queue, "a") for _ in range(24)]:
        ticket.leave()
    again, others = Ticket(queue, "a"), [Ticket(queue, "b") for _ in range(3)]
    assert again.wait(0) == 2
    assert [ticket.wait(0) for ticket in others] == [1, 3, 4]


@given(
    slots=st.integers(1, 3),
    asked=st.lists(st.sampled_from("abc"), min_size=1, max_size=30),
)
def test_between_two_of_one_visitor_no_other_is_served_twice_more_than_they_wait(
    slots: int, asked: list[str]
) -> None:
    """From when all have come, no two waiting visitors' counts of served ever differ by two."""
    queue = FairQueue(slots)
    blocks = [Ticket(queue, "first") for _ in range(slots)]
    assert not any(ticket.wait(0) for ticket in blocks)
    waiting = [(owner, Ticket(queue, owner)) for owner in asked]
    for ticket in blocks:
        ticket.leave()
    served = dict.fromkeys(asked, 0)
    while waiting:
        owner, ticket = next(pair for pair in waiting if pair[1].wait(0) == 0)
        ticket.leave()
        waiting.remove((owner, ticket))
        served[owner] += 1
        left = {each for each, _ in waiting}
        counts = [served[each] for each in left]
        assert not counts or max(counts) - min(counts) <= 1
    assert sum(served.values()) == len(asked)


def test_an_event_loop_takes_turns_too() -> None:
    queue, served = FairQueue(1), list[str]()

    async def work(owner: str) -> None:
        async with queue.slot_async(owner, 0.001):
            served.append(owner)
            await asyncio.sleep(0.005)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as tasks:
            for owner in "aaaaab":
                tasks.create_task(work(owner))

    asyncio.run(all_of_them())
    assert "".join(served) == "abaaaa"
