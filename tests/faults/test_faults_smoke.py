def test_a_run_deletes_what_is_due_and_nothing_else(shop):
    shop.visits(due=2500)
    shop.orders(due=1200)
    shop.ready()
    outcome = shop.run()
    assert outcome.status == "done"
    assert {j.dataset: (j.planned, j.done) for j in outcome.jobs} == {
        "visits": (2500, 2500),
        "orders": (1200, 1200),
    }
    assert shop.count("visits") == shop.count("orders") == 10
    assert shop.count("order_lines") == 20
    assert shop.run().status == "nothing"
    shop.verify()
