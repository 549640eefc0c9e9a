//! Documents to the letter, as each writer's library puts them, and what is answered.

/// What one writer registers, and what must be answered.
pub(super) struct Row {
    /// The zone that reads it.
    pub(super) zone: &'static str,
    /// The key and its value.
    pub(super) put: (&'static str, &'static str),
    /// Questions and answers, `Z` standing for the zone.
    pub(super) asked: &'static [(&'static str, &'static [&'static str])],
}

/// Zones of the first registry with their prefixes.
pub(super) const ZONES: [(&str, &str); 8] = [
    ("services.internal", "/services"),
    ("empusa.test", "/root/service"),
    ("registrator.test", "/registrator"),
    ("targets.test", "team/targets"),
    ("kratos.test", "/microservices"),
    ("kitex.test", "kitex/registry-etcd"),
    ("micro.test", "/micro/registry"),
    ("skydns.test", "/skydns/local/skydns"),
];
/// The zone that reads the whole second registry.
pub(super) const WHOLE: &str = "whole.test";

/// What the writers of the contract's table put.
pub(super) const ROWS: [Row; 21] = [
    Row {
        zone: "services.internal",
        put: (
            "/services/my-service/192-168-1-10-8080",
            r#"{"name":"my-service","port":8080,"hostname":"192.168.1.10","host":"192.168.1.10:8080","url":"http://192.168.1.10:8080"}"#,
        ),
        asked: &[
            ("SRV _my-service._tcp.Z", &["0 1 8080 192-168-1-10.my-service.Z."]),
            ("SRV _my-service._tcp", &["0 1 8080 192-168-1-10.my-service.Z."]),
            ("SRV _http._tcp.my-service.Z", &["0 1 8080 192-168-1-10.my-service.Z."]),
            ("A my-service.Z", &["192.168.1.10"]),
            ("A 192-168-1-10.my-service.Z", &["192.168.1.10"]),
            ("A 192-168-1-10-8080.my-service.Z", &["192.168.1.10"]),
        ],
    },
    // etcd-registry (Node) makes its ids of other characters.
    Row {
        zone: "services.internal",
        put: (
            "/services/Node_App/8bd2f3e0c1a4",
            r#"{"hostname":"2001:db8::7","port":3000,"url":"https://[2001:db8::7]:3000","pid":4711}"#,
        ),
        asked: &[
            ("SRV _node-app._tcp.Z", &["0 1 3000 2001-db8--7.Node-App.Z."]),
            ("SRV _https._tcp.NODE-APP.Z", &["0 1 3000 2001-db8--7.Node-App.Z."]),
            ("AAAA node-app.Z", &["2001:db8::7"]),
            ("A node-app.Z", &[]),
        ],
    },
    // go-kit: a url, or HOST:PORT.
    Row {
        zone: "services.internal",
        put: ("/services/stringsvc/1", "http://10.1.0.1:8080"),
        asked: &[
            ("SRV _http._tcp.stringsvc.Z", &["0 1 8080 10-1-0-1.stringsvc.Z."]),
            ("SRV _stringsvc._tcp.Z", &["0 1 8080 10-1-0-1.stringsvc.Z."]),
        ],
    },
    Row {
        zone: "services.internal",
        put: ("/services/addsvc/10.1.0.2:8081", "10.1.0.2:8081\n"),
        asked: &[
            ("SRV _addsvc._tcp.Z", &["0 1 8081 10-1-0-2.addsvc.Z."]),
            ("A 10-1-0-2-8081.addsvc.Z", &["10.1.0.2"]),
        ],
    },
    Row {
        zone: "empusa.test",
        put: ("/root/service/foo/bar", "baz:1235"),
        asked: &[
            ("SRV _foo._tcp.Z", &["0 1 1235 baz."]),
            ("SRV bar.foo.Z", &["0 1 1235 baz."]),
            ("A foo.Z", &[]),
        ],
    },
    Row {
        zone: "registrator.test",
        put: ("/registrator/redis/host1:redis.1:6379", "10.2.0.1:6379"),
        asked: &[
            ("SRV _redis._tcp.Z", &["0 1 6379 10-2-0-1.redis.Z."]),
            ("A host1-redis-1-6379.redis.Z", &["10.2.0.1"]),
        ],
    },
    // etcd's own gRPC naming: `TARGET/ADDR`.
    Row {
        zone: "targets.test",
        put: (
            "team/targets/echo/10.3.0.1:8080",
            r#"{"Op":0,"Addr":"10.3.0.1:8080","Metadata":null}"#,
        ),
        asked: &[
            ("SRV _echo._tcp.Z", &["0 1 8080 10-3-0-1.echo.Z.", "0 1 8081 2001-db8--3.echo.Z."]),
            ("A 10-3-0-1-8080.echo.Z", &["10.3.0.1"]),
        ],
    },
    Row {
        zone: "targets.test",
        put: (
            "team/targets/echo/[2001:db8::3]:8081",
            r#"{"Op":0,"Addr":"[2001:db8::3]:8081","Metadata":{"zone":"a","weight":7,"more":[1]}}"#,
        ),
        asked: &[
            ("AAAA echo.Z", &["2001:db8::3"]),
            // `-q`, for else dig takes a name like this for an option.
            ("TXT -q -2001-db8--3--8081.echo.Z", &["\"zone=a\""]),
        ],
    },
    Row {
        zone: "targets.test",
        put: (
            "team/targets/opaque/1",
            r#"{"Op":0,"Addr":"10.3.0.2:1","Metadata":"eyJ3ZWlnaHQiOjEwfQ=="}"#,
        ),
        asked: &[("SRV _opaque._tcp.Z", &["0 1 1 10-3-0-2.opaque.Z."])],
    },
    Row {
        zone: "targets.test",
        put: ("team/targets/gone/1", r#"{"Op":1,"Addr":"10.3.0.9:1","Metadata":null}"#),
        asked: &[("SRV _gone._tcp.Z", &[])],
    },
    Row {
        zone: "kratos.test",
        put: (
            "/microservices/helloworld/8a2f6c1e-5d0b-4f57-9e0a-3c2b1d4e5f60",
            r#"{"id":"8a2f6c1e-5d0b-4f57-9e0a-3c2b1d4e5f60","name":"helloworld","version":"v1.0.0","metadata":{"env":"prod"},"endpoints":["http://10.4.0.1:8000?isSecure=false","grpc://10.4.0.1:9000?isSecure=false"]}"#,
        ),
        asked: &[
            ("SRV _helloworld._tcp.Z", &["0 1 8000 10-4-0-1.helloworld.Z."]),
            ("SRV _http._tcp.helloworld.Z", &["0 1 8000 10-4-0-1.helloworld.Z."]),
            ("SRV _grpc._tcp.helloworld.Z", &["0 1 9000 10-4-0-1.helloworld.Z."]),
            ("A helloworld.Z", &["10.4.0.1"]),
            (
                "TXT 8a2f6c1e-5d0b-4f57-9e0a-3c2b1d4e5f60.helloworld.Z",
                &["\"env=prod\" \"version=v1.0.0\""],
            ),
        ],
    },
    Row {
        zone: "kratos.test",
        put: (
            "/microservices/two.faces/host-1",
            r#"{"id":"host-1","name":"two.faces","version":"","metadata":null,"endpoints":["grpc://[2001:db8::4]:9000","http://10.4.0.2:8000"]}"#,
        ),
        asked: &[
            ("SRV _two-faces._tcp.Z", &["0 1 9000 2001-db8--4.two-faces.Z."]),
            ("SRV _http._tcp.two-faces.Z", &["0 1 8000 10-4-0-2.two-faces.Z."]),
            ("A 10-4-0-2.two-faces.Z", &["10.4.0.2"]),
            ("AAAA 2001-db8--4.two-faces.Z", &["2001:db8::4"]),
            ("A two-faces.Z", &["10.4.0.2"]),
            ("A host-1.two-faces.Z", &["10.4.0.2"]),
            ("AAAA host-1.two-faces.Z", &["2001:db8::4"]),
        ],
    },
    Row {
        zone: "kitex.test",
        put: (
            "kitex/registry-etcd/hello/10.5.0.1:8888",
            r#"{"network":"tcp","address":"10.5.0.1:8888","weight":20,"tags":{"idc":"north"}}"#,
        ),
        asked: &[
            (
                "SRV _hello._tcp.Z",
                &["0 10 8889 2001-db8--5.hello.Z.", "0 20 8888 10-5-0-1.hello.Z."],
            ),
            ("TXT 10-5-0-1-8888.hello.Z", &["\"idc=north\""]),
        ],
    },
    Row {
        zone: "kitex.test",
        put: (
            "kitex/registry-etcd/hello/[2001:db8::5]:8889",
            r#"{"network":"tcp","address":"[2001:db8::5]:8889","weight":0,"tags":null}"#,
        ),
        asked: &[("AAAA hello.Z", &["2001:db8::5"])],
    },
    Row {
        zone: "micro.test",
        put: (
            "/micro/registry/go.micro.srv.greeter/greeter-8a2f6c1e",
            r#"{"name":"go.micro.srv.greeter","version":"latest","metadata":null,"endpoints":[{"name":"Say.Hello","request":{"name":"Request","type":"Request","values":[{"name":"name","type":"string","values":null}]},"response":{"name":"Response","type":"Response","values":null},"metadata":{}}],"nodes":[{"id":"greeter-8a2f6c1e","address":"10.6.0.1:41000","metadata":{"broker":"http","protocol":"grpc","registry":"etcd","server":"grpc","transport":"grpc"}}]}"#,
        ),
        asked: &[
            ("SRV _go-micro-srv-greeter._tcp.Z", &["0 1 41000 10-6-0-1.go-micro-srv-greeter.Z."]),
            ("A greeter-8a2f6c1e.go-micro-srv-greeter.Z", &["10.6.0.1"]),
        ],
    },
    Row {
        zone: "services.internal",
        put: (
            "/services/orders/10.7.0.1-8080",
            r#"{"resource":"Registration","app":"orders","version":"1.2.0","host":"10.7.0.1","port":8080}"#,
        ),
        asked: &[
            ("SRV _orders._tcp.Z", &["0 1 8080 10-7-0-1.orders.Z."]),
            ("TXT 10-7-0-1-8080.orders.Z", &["\"version=1.2.0\""]),
        ],
    },
    Row {
        zone: "skydns.test",
        put: (
            "/skydns/local/skydns/rails/1",
            r#"{"host":"2001:db8::8","port":8080,"priority":20,"weight":100,"text":"rails","mail":false,"ttl":60,"targetstrip":1,"group":"g1"}"#,
        ),
        asked: &[
            ("SRV _rails._tcp.Z", &["20 100 8080 2001-db8--8.rails.Z."]),
            ("AAAA rails.Z", &["2001:db8::8"]),
            ("TXT rails.Z", &["\"rails\""]),
        ],
    },
    // registrator's `skydns2://`.
    Row {
        zone: "skydns.test",
        put: ("/skydns/local/skydns/redis/host1:redis:6379", r#"{"host":"10.8.0.1","port":6379}"#),
        asked: &[("SRV _redis._tcp.Z", &["0 1 6379 10-8-0-1.redis.Z."])],
    },
    // go-zero has no prefix at all.
    Row {
        zone: WHOLE,
        put: ("user.rpc/7587862094044532993", "10.9.0.1:8080"),
        asked: &[
            ("SRV _user-rpc._tcp.Z", &["0 1 8080 10-9-0-1.user-rpc.Z."]),
            ("A 7587862094044532993.user-rpc.Z", &["10.9.0.1"]),
        ],
    },
    Row {
        zone: WHOLE,
        put: ("echo/10.9.0.2:1", r#"{"Op":0,"Addr":"10.9.0.2:1","Metadata":7}"#),
        asked: &[("SRV _echo._tcp.Z", &["0 1 1 10-9-0-2.echo.Z."])],
    },
    Row {
        zone: WHOLE,
        put: ("/rooted/1", "10.9.0.3:1"),
        asked: &[("SRV _rooted._tcp.Z", &["0 1 1 10-9-0-3.rooted.Z."])],
    },
];

/// Documents of every format for one service under one prefix.
pub(super) const MIXED: [(&str, &str); 8] = [
    ("a", r#"{"host":"10.0.0.1:1"}"#),
    ("b", "http://10.0.0.2:2"),
    ("c", r#"{"Op":0,"Addr":"10.0.0.3:3","Metadata":null}"#),
    ("d", r#"{"endpoints":["http://10.0.0.4:4","grpc://10.0.0.4:44"]}"#),
    ("e", r#"{"network":"tcp","address":"10.0.0.5:5","weight":1,"tags":{}}"#),
    ("f", r#"{"name":"mixed","nodes":[{"id":"f","address":"10.0.0.6:6"}]}"#),
    ("g", r#"{"resource":"Registration","app":"mixed","host":"10.0.0.7","port":7}"#),
    ("h", r#"{"host":"10.0.0.8","port":8,"group":"g"}"#),
];

/// Odd documents that cannot be used, under keys below `/services/odd/`, and what is said.
pub(super) const ODD: [(&str, &str, &str); 14] = [
    ("no-host", ":8080", "host `` is empty, and clients connect to it; write an address"),
    ("url", "http://0.0.0.0:80", "host `0.0.0.0` is the unspecified address"),
    ("addr", r#"{"Op":0,"Addr":":80"}"#, "member `Addr`: host `` is empty"),
    ("op", r#"{"Op":"x","Addr":"a:1"}"#, "member `Op` is \"x\"; it must be 0 (added) or 1"),
    ("kratos", r#"{"endpoints":[]}"#, "member `endpoints` is []; it must be an array of 1"),
    ("scheme", r#"{"endpoints":["://a:1"]}"#, "member `endpoints`: host `` has a scheme that"),
    ("second", r#"{"endpoints":["a:1","b:0"]}"#, "member `endpoints`: port `0` is not a number"),
    ("unix", r#"{"network":"unix","address":"/x"}"#, "member `network` is \"unix\"; it must be"),
    ("kitex", r#"{"address":"[::]:8888"}"#, "member `address`: host `[::]` is the unspecified"),
    ("nodes", r#"{"nodes":[],"endpoints":[]}"#, "member `nodes` is []; it must be an array of 1"),
    ("bender", r#"{"resource":"Registration"}"#, "member `host` is missing; it must be a host"),
    ("text", r#"{"text":"heritage=external-dns"}"#, "member `host` is missing; it must be an"),
    ("weight", r#"{"host":"a:1","weight":"7"}"#, "member `weight` is \"7\"; it must be a number"),
    ("quoted", r#""10.0.0.1:80""#, "is neither an address nor a host name"),
];
