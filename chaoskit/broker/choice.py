"""Which broker a run uses."""

from __future__ import annotations

import os
from pathlib import Path

from chaoskit.broker.foreign import ForeignBroker
from chaoskit.broker.node import BrokerNode
from chaoskit.model.system import Broker
from chaoskit.ports.engines import Surroundings
from chaoskit.ports.part import Ward


def choose_broker(around: Surroundings) -> BrokerNode | ForeignBroker:
    """For a run: what `broker.url` names, else CHAOSKIT_AMQP_URL, else a private node. Raises UsageProblem."""
    return broker_for(around.system.broker or Broker(), around.ward, around.log_folder)


def broker_for(wanted: Broker, ward: Ward, log_folder: Path) -> BrokerNode | ForeignBroker:
    """The same with nothing but what it needs."""
    if url := wanted.url or os.environ.get("CHAOSKIT_AMQP_URL"):
        return ForeignBroker(url, wanted.management_url)
    return BrokerNode(ward=ward, log_folder=log_folder)
