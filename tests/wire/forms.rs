//! What is said to messages of every form, from the most proper to the worst.

use hickory_proto::op::{OpCode, ResponseCode};
use srvd::wire::{Peer, Transport};

use super::example;
use super::messages::{A, Query, SRV, ask, counts, respond, wire_name};
use crate::fixture::{Fixture, settings};

#[test]
fn rfc1035_s4_responses_and_scraps_are_not_answered() {
    let fixture = example();
    let query = Query::new("web.services.internal", A);
    assert!(respond(&fixture, &query.bytes(), Transport::Udp).is_some());
    let response = query.clone().flags(0x80, 0);
    assert_eq!(respond(&fixture, &response.bytes(), Transport::Udp), None);
    assert_eq!(respond(&fixture, &query.bytes()[..11], Transport::Udp), None);
    assert_eq!(respond(&fixture, &[], Transport::Tcp), None);
}

#[test]
fn source_port_zero_is_not_answered() {
    let responder = srvd::wire::Responder::new(example().index);
    let query = Query::new("web.services.internal", A).bytes();
    let client = "192.0.2.1:0".parse().unwrap();
    assert!(!responder.respond(&query, Peer::udp(client), &mut Vec::new()));
}

#[test]
fn rfc8906_s3_1_4_unknown_opcodes_are_answered_with_clear_flags() {
    let fixture = example();
    for opcode in 1..16 {
        let query = Query::new("web.services.internal", A).flags(opcode << 3 | 0x07, 0xf0);
        let (reply, message) = ask(&fixture, &query);
        let code = match opcode {
            4 | 5 => ResponseCode::Refused,
            _ => ResponseCode::NotImp,
        };
        assert_eq!(message.metadata.response_code, code, "{opcode}");
        assert_eq!(message.metadata.op_code, OpCode::from_u8(opcode));
        assert_eq!([reply[2] & 0x87, reply[3] & 0xf0], [0x80, 0], "{opcode}");
        assert_eq!(reply[12..], query.question);
    }
}

#[test]
fn rfc8906_s8_1_header_only_requests_are_answered() {
    let fixture = example();
    for opcode in 0..16 {
        let mut query = Query::new(".", A).opcode(opcode);
        (query.header[5], query.question) = (0, Vec::new());
        let reply = respond(&fixture, &query.bytes(), Transport::Udp).unwrap();
        assert_eq!((reply.len(), &reply[4..]), (12, &[0; 8][..]), "{opcode}");
        let code = [1, 4, 4, 4, 5, 5].get(usize::from(opcode)).copied().unwrap_or(4);
        assert_eq!(reply[3], code, "{opcode}");
    }
}

#[test]
fn rfc9619_other_than_one_question_is_a_format_error() {
    let fixture = example();
    let mut query = Query::new("web.services.internal", A).edns(1232, 0, 0, &[]);
    query.question = [query.question.clone(), query.question].concat();
    query.header[5] = 2;
    let (reply, message) = ask(&fixture, &query);
    assert_eq!(message.metadata.response_code, ResponseCode::FormErr);
    assert_eq!((message.queries.len(), counts(&reply)), (0, [0, 0, 1]));
}

#[test]
fn malformed_messages_get_a_format_error_with_what_could_be_read() {
    let fixture = example();
    let good = Query::new("web.services.internal", A);
    let opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
    let with = |header: [u8; 4], rest: &[u8]| {
        let mut query = good.clone();
        query.header[6..10].copy_from_slice(&header);
        query.rest = rest.to_vec();
        query
    };
    // The query, whether its question comes back, whether OPT does.
    let cases = [
        ("trailing octets", with([0; 4], b"x"), true, false),
        ("trailing after OPT", good.clone().edns(512, 0, 0, &[]).additional(&opt), true, true),
        ("an answer that is not there", with([0, 1, 0, 0], &[]), true, false),
        ("65,535 answers", with([255, 255, 0, 0], &[]), true, false),
        ("OPT among the answers", with([0, 1, 0, 0], &opt), true, false),
        (
            "OPT with an owner",
            good.clone().additional(&[&[1, b'a'][..], &opt].concat()),
            true,
            false,
        ),
        ("an option too long", good.clone().edns(512, 0, 0, &[0, 10, 0, 9, 1]), true, true),
        ("half an option", good.clone().edns(512, 0, 0, &[0, 10, 0]), true, true),
        (
            "17 records",
            with([0, 17, 0, 0], &[0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0].repeat(17)),
            true,
            false,
        ),
    ];
    for (what, mut query, question, opt) in cases {
        if what == "trailing after OPT" {
            query.header[11] = 1;
        }
        let (reply, message) = ask(&fixture, &query);
        assert_eq!(message.metadata.response_code, ResponseCode::FormErr, "{what}");
        assert_eq!(message.metadata.id, 0x1234, "{what}");
        assert_eq!(message.queries.len(), usize::from(question), "{what}");
        assert_eq!(counts(&reply), [0, 0, u8::from(opt)], "{what}");
    }
}

#[test]
fn bad_names_get_a_format_error_without_a_question() {
    let fixture = example();
    let long = [[63; 64].repeat(4), vec![0]].concat();
    let names: [&[u8]; 6] =
        [&[0xc0, 12], &[1, b'a', 0xc0, 12], &[0xc0, 2], &[64, b'a'], &[0x80], &long];
    for name in names {
        let mut query = Query::new(".", A).flags(1, 0x10);
        query.question = [name, &[0, 1, 0, 1]].concat();
        let reply = respond(&fixture, &query.bytes(), Transport::Udp).unwrap();
        assert_eq!(reply, [0x12, 0x34, 0x81, 0x11, 0, 0, 0, 0, 0, 0, 0, 0], "{name:?}");
    }
}

#[test]
fn rfc6891_s6_1_1_two_opt_are_a_format_error() {
    let query = Query::new("web.services.internal", A).edns(512, 0, 0, &[]).edns(512, 0, 0, &[]);
    let (reply, message) = ask(&example(), &query);
    assert_eq!(message.metadata.response_code, ResponseCode::FormErr);
    assert_eq!(counts(&reply), [0, 0, 1]);
}

#[test]
fn rfc6891_s6_1_3_other_versions_get_badvers_without_data() {
    for version in [1, 255] {
        let query = Query::new("web.services.internal", A).edns(4096, version, 0x8000, &[]);
        let (reply, message) = ask(&example(), &query);
        assert_eq!(message.metadata.response_code.high(), 1);
        assert_eq!(reply[3] & 0x0f, 0);
        assert_eq!((counts(&reply), message.metadata.authoritative), ([0, 0, 1], false));
        let edns = message.edns.unwrap();
        assert_eq!((edns.version(), edns.flags().dnssec_ok), (0, true));
    }
}

#[test]
fn rfc6891_s7_opt_comes_back_if_and_only_if_asked() {
    let fixture = example();
    for name in ["web.services.internal", "nothing.services.internal", "example.com"] {
        let query = Query::new(name, A);
        assert!(ask(&fixture, &query).1.edns.is_none(), "{name}");
        // Unknown options and flags are ignored, and not echoed.
        let query = query.edns(4096, 0, 0x7fff, &[0xff, 0xf0, 0, 2, 1, 2, 0, 3, 0, 0]);
        let edns = ask(&fixture, &query).1.edns.unwrap();
        assert_eq!((edns.max_payload(), edns.flags().dnssec_ok, edns.flags().z), (1232, false, 0));
        assert!(edns.options().as_ref().iter().all(|(code, _)| u16::from(*code) == 15));
    }
}

#[test]
fn rfc6895_s2_only_rd_and_cd_are_copied() {
    let fixture = example();
    for (high, low) in [(0, 0), (1, 0), (0, 0x10), (0x07, 0xff)] {
        let reply = ask(&fixture, &Query::new("web.services.internal", A).flags(high, low)).0;
        assert_eq!(reply[2], 0x84 | high & 1, "QR, AA, RD");
        assert_eq!(reply[3], low & 0x10, "CD and NOERROR");
    }
}

#[test]
fn rfc1995_s2_transfers_are_refused_over_udp_too() {
    for kind in [251, 252] {
        let message = ask(&example(), &Query::new("services.internal", kind)).1;
        assert_eq!(message.metadata.response_code, ResponseCode::Refused);
        assert!(!message.metadata.authoritative);
    }
}

#[test]
fn rfc3225_s3_do_is_copied() {
    let query = Query::new("web.services.internal", A).edns(1232, 0, 0x8000, &[]);
    assert!(ask(&example(), &query).1.edns.unwrap().flags().dnssec_ok);
}

#[test]
fn rfc4343_s4_the_question_is_echoed_octet_by_octet() {
    let query = Query::new("_wEB._tcP.seRVices.inTERnal", SRV);
    let (reply, message) = ask(&example(), &query);
    assert_eq!(reply[12..12 + query.question.len()], query.question);
    assert_eq!(message.answers.len(), 3);
    assert!(message.answers.iter().all(|record| record.name.to_ascii().starts_with("_wEB._tcP")));
}

#[test]
fn rfc8914_reasons_are_given_with_edns_only() {
    let fixture = Fixture::unlisted(vec![settings("services.internal.")]);
    let query = Query::new("web.services.internal", A);
    let (reply, message) = ask(&fixture, &query);
    assert_eq!(message.metadata.response_code, ResponseCode::ServFail);
    assert_eq!((counts(&reply), message.metadata.authoritative), ([0, 0, 0], false));
    let reply = ask(&fixture, &query.edns(1232, 0, 0, &[])).0;
    assert!(reply.ends_with(&[0, 6, 0, 15, 0, 2, 0, 14]), "{reply:?}");
}

#[test]
fn rfc8945_s5_2_1_an_unknown_key_is_said_to_be_unknown() {
    let fixed = [0, 250, 0, 255, 0, 0, 0, 0];
    let algorithm = wire_name("hmac-sha256");
    let time = [0, 0, 1, 2, 3, 4, 1, 44];
    let tail = [0, 2, 0xaa, 0xbb, 0x12, 0x34, 0, 0, 0, 0];
    let data = [&algorithm[..], &time, &tail].concat();
    let length = (data.len() as u16).to_be_bytes();
    let record = [&wire_name("key")[..], &fixed, &length, &data].concat();
    let query = Query::new("web.services.internal", A).additional(&record);
    let (reply, message) = ask(&example(), &query);
    assert_eq!(message.metadata.response_code, ResponseCode::NotAuth);
    assert_eq!(counts(&reply), [0, 0, 1]);
    let end = [&algorithm[..], &time, &[0, 0, 0x12, 0x34, 0, 17, 0, 0]].concat();
    assert!(reply.ends_with(&end), "{reply:?}");
    // Anything after it is a format error.
    let query = query.edns(1232, 0, 0, &[]);
    assert_eq!(ask(&example(), &query).1.metadata.response_code, ResponseCode::FormErr);
}
