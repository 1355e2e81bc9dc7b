"""From the model a request names to the answer, whatever upstreams do meanwhile.

    route.py         which upstreams a call may go to, in which order, as far as its caller is allowed
    dispatcher.py    one call: its time, its route, the failure that is told
    attempts.py      one call at one upstream: tried, waited, tried again
    guard.py         what each upstream has: a policy, and the four below
    admission.py     … how many calls at once, how many wait
    breaker.py       … whether it is asked at all
    retry_budget.py  … how much may be tried again
    back_off.py      how long to wait before that
    deadlines.py     how long a call may take, and the waits within it
    waits.py         … kept to, by one timer

One call has one budget of time. Queueing, attempts, the waits between them and other upstreams all take from it, and
whatever would outlast it is not begun. Nothing is tried again that an upstream may have worked on, unless it said that
it did not; nothing at all once something of the answer has gone out. Cancelling a call at any point closes what it
holds: the upstream's connection, its place among those that run or wait, a breaker's probe.
"""
