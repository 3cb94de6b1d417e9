# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""The golden examples of the spec: each value and the frame that it is."""

from __future__ import annotations

from wiretask_protocol import codec, messages

#: Name -> (message, frame).
EXAMPLES: dict[str, tuple[messages.AnyMessage, bytes]] = {
    "Task/sha256": (
        messages.Task(task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', lease=4294967297, attempt=1, time_limit=60000, remaining=3600000, envelope=codec.encode_envelope(messages.Envelope(type='sha256', queue='default', encoding=0, body=b'Hello, World!'))),
        bytes.fromhex("0100000045019aaf2e3c007a1b8c2d3e4f506137a8000000010000000100010000ea600036ee8000067368613235360764656661756c7400000000000d48656c6c6f2c20576f726c6421"),
    ),
    "Task/costly": (
        messages.Task(task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', lease=4294967298, attempt=2, time_limit=0, remaining=0, envelope=codec.encode_envelope(messages.Envelope(type='add@2', queue='default', encoding=1, body=b'[2, 3]', headers=(messages.Header(name='tenant', text='acme'), ), trace_context='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')), cost=2, resources=(messages.Resource(name='gpu', amount=1), )),
        bytes.fromhex("01000000ab019aaf2e3c007a1b8c2d3e4f506137a800000001000000020002000000000000000002000100000002000200020000000e00010367707500000000000000010561646440320764656661756c74010200010000000f00010674656e616e74000461636d6500020000003730302d30616637363531393136636434336464383434386562323131633830333139632d623761643662373136393230333333312d3031000000065b322c20335d"),
    ),
    "Task/callback": (
        messages.Task(task_id=b'\x01\x9a\xaf.<\x02z\x1b\x8c->OPc7\xa8', lease=4294967300, attempt=1, time_limit=0, remaining=0, envelope=codec.encode_envelope(messages.Envelope(type='sum', queue='default', encoding=1, body=b'[]')), gathered=messages.Gathered(form=1, results=(messages.MemberResult(outcome=1, report=b'\x01\x00\x00\x00\x00\x012'), messages.MemberResult(outcome=1, report=b'\x01\x00\x00\x00\x00\x013'), ))),
        bytes.fromhex("0100000058019aaf2e3c027a1b8c2d3e4f506337a80000000100000004000100000000000000000100030000001b0100020100000007010000000001320100000007010000000001330373756d0764656661756c740100000000025b5d"),
    ),
    "Result/succeeded": (
        messages.Result(seq=7, task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', lease=4294967297, outcome=1, report=codec.encode_report(messages.Report(encoding=0, body=b'dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f'))),
        bytes.fromhex("02000000680000000000000007019aaf2e3c007a1b8c2d3e4f506137a80000000100000001010000000000004064666664363032316262326264356230616636373632393038303965633361353331393164643831633766373061346232383638386133363231383239383666"),
    ),
    "Result/failed": (
        messages.Result(seq=8, task_id=b'\x01\x9a\xaf.<\x01z\x1b\x8c->OPb7\xa8', lease=4294967299, outcome=2, report=codec.encode_report(messages.Report(encoding=0, body=b'', error_type='ValueError', error_message='naïve input', traceback='tasks.py:7 in add')), retry_after=10000),
        bytes.fromhex("020000006b0000000000000008019aaf2e3c017a1b8c2d3e4f506237a80000000100000003020100020000000400002710000300010000000a56616c75654572726f7200020000000c6e61c3af766520696e7075740003000000117461736b732e70793a3720696e2061646400000000"),
    ),
    "Result/to_client": (
        messages.Result(seq=1, task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', lease=0, outcome=1, report=codec.encode_report(messages.Report(encoding=0, body=b'dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f')), attempt=1),
        bytes.fromhex("02000000700000000000000001019aaf2e3c007a1b8c2d3e4f506137a800000000000000000101000400000002000100000000004064666664363032316262326264356230616636373632393038303965633361353331393164643831633766373061346232383638386133363231383239383666"),
    ),
    "Hello/open": (
        messages.Hello(kind=messages.HelloKind(1), nonce=72623859790382856, versions=messages.VersionRange(min_version=1, max_version=1), role=1, agent='wiretask/0.1', frame_limit=4194304, name='host-7'),
        bytes.fromhex("030000004301010203040506070805000100000004000100010002000000010100040000000c776972657461736b2f302e3100050000000400400000000c00000006686f73742d37"),
    ),
    "Hello/accept": (
        messages.Hello(kind=messages.HelloKind(2), nonce=72623859790382856, version=1, heartbeat=5000, in_flight=100000, session=b'\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f', dedup_window=3600000, unknown=((32675, b'\xff\x00'), )),
        bytes.fromhex("030000005202010203040506070806000300000002000100060000000400001388000700000004000186a0000900000010101112131415161718191a1b1c1d1e1f000a00000008000000000036ee807fa300000002ff00"),
    ),
    "Hello/open_with_a_key": (
        messages.Hello(kind=messages.HelloKind(1), nonce=72623859790382856, versions=messages.VersionRange(min_version=1, max_version=1), role=2, key_id='billing'),
        bytes.fromhex("030000002801010203040506070803000100000004000100010002000000010200080000000762696c6c696e67"),
    ),
    "Hello/accept_with_a_proof": (
        messages.Hello(kind=messages.HelloKind(2), nonce=72623859790382856, version=1, heartbeat=5000, in_flight=100000, dedup_window=3600000, proof=b'b\xc0\x08T\x86\'\xb4\xfd\xf2#\xed\xd9E\xe6t\xd8U\xc3h8\x13\xcdx\x99I~\xee\x0c\x92";g'),
        bytes.fromhex("030000005a02010203040506070805000300000002000100060000000400001388000700000004000186a0000a00000008000000000036ee80000b0000002062c008548627b4fdf223edd945e674d855c3683813cd7899497eee0c92223b67"),
    ),
    "Hello/ping": (
        messages.Hello(kind=messages.HelloKind(3), nonce=42),
        bytes.fromhex("030000000a03000000000000002a00"),
    ),
    "Hello/pong": (
        messages.Hello(kind=messages.HelloKind(4), nonce=42),
        bytes.fromhex("030000000a04000000000000002a00"),
    ),
    "Error/stale_lease": (
        messages.Error(code=401, scope=2, retry=0, command=2, seq=7, text='stale', task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8'),
        bytes.fromhex("040000002b0191020002000000000000000700057374616c6501000100000010019aaf2e3c007a1b8c2d3e4f506137a8"),
    ),
    "Error/truncated": (
        messages.Error(code=201, scope=3, retry=0, command=1, seq=0, text='cut', field='envelope.queue', offset=42),
        bytes.fromhex("040000003100c9030001000000000000000000036375740200050000000e656e76656c6f70652e71756575650006000000040000002a"),
    ),
    "Auth/challenge": (
        messages.Auth(kind=messages.AuthKind(1), nonce=b' !"#$%&\'()*+,-./0123456789:;<=>?'),
        bytes.fromhex("050000002201202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f00"),
    ),
    "Auth/proof": (
        messages.Auth(kind=messages.AuthKind(2), nonce=b'`abcdefghijklmnopqrstuvwxyz{|}~\x7f', proof=b'%(\x87\xab[\x98.K\xc9d\xd9OG\x12\x01\t?Bs\x94N\xfd\x7f.\xf3\xbb\xe2\xbe,g\x13\xf7'),
        bytes.fromhex("050000004802606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f01000100000020252887ab5b982e4bc964d94f471201093f4273944efd7f2ef3bbe2be2c6713f7"),
    ),
    "Goodbye/drain": (
        messages.Goodbye(reason=2),
        bytes.fromhex("06000000020200"),
    ),
    "Goodbye/shutting_down": (
        messages.Goodbye(reason=1, text='upgrade', reconnect_after=2000),
        bytes.fromhex("0600000019010200010000000775706772616465000200000004000007d0"),
    ),
    "Submit/sha256": (
        messages.Submit(seq=1, task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', flags=1, priority=5, envelope=codec.encode_envelope(messages.Envelope(type='sha256', queue='default', encoding=0, body=b'Hello, World!'))),
        bytes.fromhex("070000003e0000000000000001019aaf2e3c007a1b8c2d3e4f506137a800010500067368613235360764656661756c7400000000000d48656c6c6f2c20576f726c6421"),
    ),
    "Submit/options": (
        messages.Submit(seq=2, task_id=b'\x01\x9a\xaf.<\x01z\x1b\x8c->OPb7\xa8', flags=5, priority=9, envelope=codec.encode_envelope(messages.Envelope(type='add@2', queue='default', encoding=1, body=b'[2, 3]', headers=(messages.Header(name='tenant', text='acme'), ), trace_context='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')), delay=1500, time_limit=30000, max_attempts=3, retry=messages.RetryPolicy(base=1000, factor=2000, cap=60000, jitter=500), note='for Ana'),
        bytes.fromhex("07000000c30000000000000002019aaf2e3c017a1b8c2d3e4f506237a800050905000100000004000005dc00050000000400007530000600000002000300070000000c000003e807d00000ea6001f4001300000007666f7220416e610561646440320764656661756c74010200010000000f00010674656e616e74000461636d6500020000003730302d30616637363531393136636434336464383434386562323131633830333139632d623761643662373136393230333333312d3031000000065b322c20335d"),
    ),
    "Submit/callback": (
        messages.Submit(seq=3, task_id=b'\x01\x9a\xaf.<\x02z\x1b\x8c->OPc7\xa8', flags=1, priority=5, envelope=codec.encode_envelope(messages.Envelope(type='sum', queue='default', encoding=1, body=b'[]')), gather=messages.Gather(size=2, form=1)),
        bytes.fromhex("07000000390000000000000003019aaf2e3c027a1b8c2d3e4f506337a8000105010014000000030002010373756d0764656661756c740100000000025b5d"),
    ),
    "Submit/member": (
        messages.Submit(seq=4, task_id=b'\x01\x9a\xaf.<\x03z\x1b\x8c->OPd7\xa8', flags=0, priority=5, envelope=codec.encode_envelope(messages.Envelope(type='sha256', queue='default', encoding=0, body=b'!')), requires=('eu', ), group=messages.Group(callback=b'\x01\x9a\xaf.<\x02z\x1b\x8c->OPc7\xa8', index=1), concurrency=messages.ConcurrencyKey(key='acme', limit=1)),
        bytes.fromhex("07000000620000000000000004019aaf2e3c037a1b8c2d3e4f506437a8000005030009000000050001026575000c00000012019aaf2e3c027a1b8c2d3e4f506337a80001000d000000070461636d650001067368613235360764656661756c7400000000000121"),
    ),
    "Accepted/many": (
        messages.Accepted(seq=7),
        bytes.fromhex("0800000009000000000000000700"),
    ),
    "Subscribe/two_queues": (
        messages.Subscribe(queues=(messages.QueueWeight(queue='default', weight=1), messages.QueueWeight(queue='urgent', weight=4), ), types=(messages.TypeSupport(type='sha256', cancel=0, max_attempts=0), messages.TypeSupport(type='add@2', cancel=1, max_attempts=3), ), labels=('eu', ), resources=(messages.Resource(name='gpu', amount=2), )),
        bytes.fromhex("090000004a00020764656661756c74000106757267656e74000400020673686132353600000005616464403201000302000100000005000102657500020000000e0001036770750000000000000002"),
    ),
    "Credit/window": (
        messages.Credit(slots=8, octets=0, begun=4294967297),
        bytes.fromhex("0a00000015000000080000000000000000000000010000000100"),
    ),
    "Cancel/from_client": (
        messages.Cancel(seq=3, task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', lease=0, mode=1, tree=True),
        bytes.fromhex("0b000000290000000000000003019aaf2e3c007a1b8c2d3e4f506137a80000000000000000010100010000000101"),
    ),
    "Progress/half": (
        messages.Progress(task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', lease=4294967297, current=50, total=100, body=b'half', text='resizing'),
        bytes.fromhex("0c0000003f019aaf2e3c007a1b8c2d3e4f506137a80000000100000001000000000000003200000000000000640000000468616c6601000100000008726573697a696e67"),
    ),
    "Query/status": (
        messages.Query(seq=4, task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8'),
        bytes.fromhex("0d000000190000000000000004019aaf2e3c007a1b8c2d3e4f506137a800"),
    ),
    "Status/unknown_type": (
        messages.Status(query=4, task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', state=3, reason=2, attempt=0, type='sha256', queue='default', detail='no connected worker knows the type sha256', priority=5, submitted=1234),
        bytes.fromhex("0e000000700000000000000004019aaf2e3c007a1b8c2d3e4f506137a803020000067368613235360764656661756c74030001000000296e6f20636f6e6e656374656420776f726b6572206b6e6f7773207468652074797065207368613235360002000000010500030000000800000000000004d2"),
    ),
    "Status/history": (
        messages.Status(query=5, task_id=b'\x01\x9a\xaf.<\x01z\x1b\x8c->OPb7\xa8', state=2, reason=5, attempt=1, type='add@2', queue='default', due=900, error_type='ValueError', history=(messages.AttemptRecord(attempt=1, outcome=2, ended=100, worker='host-7', error='ValueError'), )),
        bytes.fromhex("0e000000700000000000000005019aaf2e3c017a1b8c2d3e4f506237a8020500010561646440320764656661756c7403000600000008000000000000038400090000000a56616c75654572726f72000d00000021000100010200000000000000640006686f73742d37000a56616c75654572726f72"),
    ),
    "Await/result": (
        messages.Await(seq=5, task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8'),
        bytes.fromhex("0f000000190000000000000005019aaf2e3c007a1b8c2d3e4f506137a800"),
    ),
    "Schedule/put": (
        messages.Schedule(seq=6, name='nightly', action=messages.ScheduleAction(1), priority=5, max_attempts=3, cron='30 2 * * *', zone='Europe/Zurich', overlap=1, envelope=codec.encode_envelope(messages.Envelope(type='sha256', queue='default', encoding=0, body=b'Hello, World!'))),
        bytes.fromhex("100000006d0000000000000006076e696768746c79010505000600000002000300400000000a33302032202a202a202a00420000000d4575726f70652f5a757269636800430000000101004600000022067368613235360764656661756c7400000000000d48656c6c6f2c20576f726c6421"),
    ),
    "Schedule/delete": (
        messages.Schedule(seq=7, name='nightly', action=messages.ScheduleAction(2), priority=0),
        bytes.fromhex("10000000130000000000000007076e696768746c79020000"),
    ),
    "Retract/retract": (
        messages.Retract(task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', lease=4294967297),
        bytes.fromhex("1100000019019aaf2e3c007a1b8c2d3e4f506137a8000000010000000100"),
    ),
    "Return/drain": (
        messages.Return(seq=9, task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', lease=4294967297, reason=1),
        bytes.fromhex("12000000220000000000000009019aaf2e3c007a1b8c2d3e4f506137a800000001000000010100"),
    ),
    "Return/unsupported": (
        messages.Return(seq=10, task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', lease=4294967297, reason=4, text='unknown critical tag 0x8009'),
        bytes.fromhex("1200000043000000000000000a019aaf2e3c007a1b8c2d3e4f506137a80000000100000001040100010000001b756e6b6e6f776e20637269746963616c2074616720307838303039"),
    ),
    "Resume/two_leases": (
        messages.Resume(session=b'\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f', leases=(messages.HeldLease(task_id=b'\x01\x9a\xaf.<\x00z\x1b\x8c->OPa7\xa8', lease=4294967297), messages.HeldLease(task_id=b'\x01\x9a\xaf.<\x01z\x1b\x8c->OPb7\xa8', lease=4294967299), )),
        bytes.fromhex("1300000043101112131415161718191a1b1c1d1e1f0002019aaf2e3c007a1b8c2d3e4f506137a80000000100000001019aaf2e3c017a1b8c2d3e4f506237a8000000010000000300"),
    ),
}

__all__ = ["EXAMPLES", "codec"]
