"""Every number that a verdict hangs on, in one place. Times in seconds unless the name says otherwise.

They were found on foreign services in three languages, idle and on busy machines; measure again before changing one.
"""

from __future__ import annotations

# --- what is known so far ----------------------------------------------------------------------------------------

SETTLE_S = 0.5
"""Events reach us in batches (tap ≤ 50 ms, load ≤ 100 ms): what happened this long ago has been recorded by now."""

STALL_LOOKBACK_S = 1.0
"""After a stall the batches of several processes come in one after the other: until then nothing newer is known."""

# --- breakers ----------------------------------------------------------------------------------------------------

GAP_S_MIN = 0.3
"""A shorter pause in arrivals also comes from garbage collection, reconnects and busy machines."""

GAP_DUE_MIN = 10.0
"""Calls that should have come in the gap; with c calls per request, chance leaves such a gap once in e^10."""

THIN_DUE_MIN = 4.0
"""Calls due between two arrivals for the flow to count as thin: an open breaker that leaks one call in five."""

THIN_CALLS_PER_REQUEST_MIN = 0.9
"""Below it (caches, fan-out by chance) lone arrivals are usual, and only a full gap proves an open breaker."""

ARRIVALS_BACK_SHARE = 0.6
"""Closed means that the flow is back; one probe is not. Less than all, because pools and ramps refill slowly."""

ARRIVAL_TRANSIT_S = 0.002
"""From the caller's decision to the first byte at the tap: a call may arrive just after the failure that opened."""

BASELINE_S = 2.0
"""The baseline is what was just before the fault; what came earlier may be a service that warms up …"""

BASELINE_REQUESTS = 40
"""… but at least so many answers, if there are."""

BASELINE_REQUESTS_MIN = 10
"""Fewer answers without a fault give no ratio of calls per request."""

FIRST_CALLS_MIN = 3
"""Where the fault was there from the start, so many first calls must tell the ratio instead."""

NEVER_OPENED_CALLS_MIN = 100
"""With no declared time: so many failing calls …"""

NEVER_OPENED_S_MIN = 10.0
"""… over so long, and no gap. Percentage breakers over a long window need a while after healthy traffic."""

NEVER_OPENED_WATCH_S = 35.0
"""How long we look for the first opening where no time is declared."""

NEVER_OPENED_CALLS_DECLARED_MIN = 20
"""With a declared time the user has vouched for the load; libraries' volume thresholds go up to 20 (Hystrix)."""

HANGS_S = 1.0
"""A call in flight for so long counts as one that fails."""

INSTANT_TOLERANCE_S = 0.05
"""How exact an instant seen from outside is, against the service's own clock."""

FAILS_FAST_DEFAULT_S = 0.1
"""Answers while open, no limit declared: this, or three times the usual p95 if that is more."""

FAILS_FAST_BASELINE_FACTOR = 3.0

FAILS_FAST_VIOLATED_FACTOR = 2.0
"""Between the limit and twice the limit a busy machine can be to blame."""

FAILS_FAST_ANSWERS_MIN = 10
"""A median of fewer says little."""

HALF_OPEN_EARLY_S = 0.1
"""A probe may come so much earlier than declared (both ends are seen from outside) …"""

HALF_OPEN_EARLY_SHARE = 0.05
"""… or earlier by this share of the declared time."""

HALF_OPEN_LATE_S = 0.75
"""A probe may come so much later than declared: it waits for a request, and timers of busy services are late …"""

HALF_OPEN_LATE_SHARE = 0.25
"""… or later by this share of the declared time."""

CLOSES_WATCH_S = 15.0
"""How long we look for the closing after healing when the reset time is known but no limit is declared."""

STAYS_CLOSED_HITS_VIOLATED_MIN = 2
"""A gap after so many injected answers is theirs."""

STAYS_CLOSED_HITS_MIN = 20
"""To hold, so many must have left the arrivals alone: the largest usual volume threshold."""

# --- timeouts, attempts, recovery -----------------------------------------------------------------------------------

TIMEOUT_UNDECLARED_HOLDS_S = 1.0
"""No limit declared: answered within this is fine for anybody."""

TIMEOUT_HOLDS_FACTOR, TIMEOUT_HOLDS_EXTRA_S = 1.5, 0.15
"""A declared limit holds up to here …"""

TIMEOUT_VIOLATED_FACTOR, TIMEOUT_VIOLATED_EXTRA_S = 2.0, 0.2
"""… and is violated from here; between them the machine may be to blame."""

HUNG_CALLS_MIN = 3
"""So many calls must have been held back before an answer in time says anything about a timeout."""

ATTEMPTS_DEFAULT = 3
"""Attempts per call when nobody declared a number."""

ATTEMPTS_REQUESTS_MIN = 3
"""More attempts must be seen in so many requests: one may be a race."""

ATTEMPTS_CALLS_MIN = 10
"""Failing calls that must be seen before attempts can be counted."""

USUAL_IN_A_ROW = 20
"""Recovered: so many usual answers one after the other."""

RECOVERY_S = 15.0
"""The default deadline for recovery."""

RECOVERED_P95_FACTOR, RECOVERED_P95_EXTRA_MS = 3.0, 100.0
"""How far p95 may stay above the baseline's and still count as back."""

# --- statistics ------------------------------------------------------------------------------------------------------

ERRORS_SAMPLES_MIN = 20
"""No error ratio of fewer requests (more where the limit itself is finer than one in twenty)."""

ERRORS_SAMPLES_CAP = 500
"""A limit of 0.1 % would ask for thousands of requests; we are content with so many."""

PERCENTILE_SAMPLES_MIN = {"p50": 20, "p95": 60, "p99": 300}
"""A percentile needs a few samples beyond it."""

FALLBACK_ANSWERS_MIN = 3
"""So many answers by fallback before they say anything."""

# --- messages --------------------------------------------------------------------------------------------------------

COPIES_MIN = 5
"""Copies that must have been delivered and settled."""

ACCEPTED_MIN = 10
"""Pieces of work that must have been accepted before `nothing_lost` says anything."""

BACKLOG_MIN = 10
"""Messages (or accepted requests) that must have waited before a drained queue means anything."""

BACKLOG_USUAL_EXTRA = 5
"""A queue with so many more than its largest usual depth counts as drained: the load goes on."""

DRAINED_CALM_S = 2.0
"""For so long the queue must stay at its usual depth: a publisher that reconnects sends its share a little later."""

VANISHED_S = 2.0
"""Settled and in no place for so long: gone. A consumer that retries through a delay queue needs a longer `within`."""

CONSUMER_GONE_S = 6.0
"""No consumer on the queue for so long: it stopped, it does not just reconnect."""

STUCK_S = 30.0
"""Unsettled for so long."""

LOOP_FLIPS_MIN = 6
"""Looks (four a second) at a queue that has consumers and never empties: redelivered again and again, or stuck."""

EFFECT_QUIET_S = 1.0
"""Before effects are counted for the last time, so that a second one has the time to appear."""

# --- gates -----------------------------------------------------------------------------------------------------------

LOAD_ACHIEVED_SHARE_MIN = 0.95
"""Less load than asked for is another experiment."""

LAG_P99_MS_MAX = 500.0
"""The generator's own lag beyond which the load was not the one asked for."""

LAG_SHARE_OF_LIMIT = 0.5
"""A latency above its limit is not the system's fault while the generator's lag is this share of the limit."""

STALL_SHARE_OF_WINDOW = 0.2
"""A window of which the machine stood still for this share is not judged."""
