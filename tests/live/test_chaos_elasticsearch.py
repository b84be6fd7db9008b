# SPDX-License-Identifier: Apache-2.0
"""Elasticsearch and what may happen on the way there: chaos.py and chaos_search.py say how it is judged."""
from chaos import SEED
from chaos_search import SearchChaos
from engines import Elasticsearch
from harness import main, remark, test


@test
def every_event_is_once_in_elasticsearch_whatever_happens(place):
    SearchChaos(place, Elasticsearch).run()


if __name__ == "__main__":
    remark("CHAOS_SEED=%d" % SEED)
    main()
