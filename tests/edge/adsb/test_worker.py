from edge.adsb.worker import Worker
from tests.edge.adsb.share.test_server import until


def test_an_unforeseen_error_does_not_end_the_thread():
    done = []
    worker: Worker[int] = Worker("test", lambda number: done.append(1 / number))
    for number in (1, 0, 2):
        worker.offer(number)
    until(lambda: len(done) == 2)
    worker.close()
    assert done == [1.0, 0.5]
