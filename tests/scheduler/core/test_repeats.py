"""Ids that come again from a client that has forgotten what it has sent: the task that is there wins, and all hear it."""


def done(lasting):
    """A task that has succeeded and that its client submits again, without saying so."""
    lasting.client()
    lasting.worker()
    task_id = lasting.submit()
    ((_, _, lease),) = lasting.dispatched()
    lasting.result(9, lease, task_id)
    lasting.sent()
    return task_id


def test_what_waits_for_an_id_that_came_again_is_told_how_it_has_ended(lasting):
    root = done(lasting)
    lasting.client(2)
    lasting.submit(2, id=root)
    leaf = lasting.submit(2, after=(root,))
    lasting.sent()  # it turns out to be there already,
    lasting.sent()  # and the store is asked how it has ended
    assert leaf in lasting.begun()


def test_nothing_is_left_of_what_an_id_that_came_again_waited_for(lasting):
    root, leaf = done(lasting), done(lasting)
    lasting.client(2)
    lasting.submit(2, id=root)
    lasting.submit(2, id=leaf, after=(root,))
    lasting.sent()
    lasting.sent()
    assert not lasting.broker.state.dependencies.dependents
