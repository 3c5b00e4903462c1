//! What every store promises, held against each: embedded, in Redis 7 and 8, and in a cluster of three nodes.

mod answers;
mod books;
mod cluster;
mod cluster_changes;
mod crowds;
mod envoys;
mod failover;
mod fixture;
mod keys;
mod leads;
mod limits;
mod login;
mod memory;
mod model;
mod outages;
mod server;

/// Runs promises on each store. Where no thread but one is needed, the embedded store's clock jumps.
macro_rules! contract {
    ($($topic:ident: [$($promise:ident),* $(,)?]),* $(,)?) => {
        mod on_memory {
            $(mod $topic {
                $(#[tokio::test(start_paused = true)]
                async fn $promise() {
                    let fixture = crate::store::tests::fixture::Fixture::memory().await;
                    crate::store::tests::$topic::$promise(fixture.store.clone()).await;
                })*
            })*
        }
        contract!(@redis on_redis_7 redis_7 $($topic: [$($promise),*]),*);
        contract!(@redis on_redis_8 redis_8 $($topic: [$($promise),*]),*);
        contract!(@redis on_a_cluster cluster $($topic: [$($promise),*]),*);
    };
    (@redis $name:ident $fixture:ident $($topic:ident: [$($promise:ident),*]),*) => {
        mod $name {
            $(mod $topic {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let fixture = crate::store::tests::fixture::Fixture::$fixture().await;
                    crate::store::tests::$topic::$promise(fixture.store.clone()).await;
                })*
            })*
        }
    };
}

contract! {
    answers: [
        an_answer_comes_back_as_it_was_put,
        an_answer_ages_and_is_gone_after_its_time,
        what_may_not_be_kept_is_not,
        a_later_answer_replaces_an_earlier_one,
    ],
    leads: [
        one_leads_and_the_others_follow,
        an_answer_ends_the_lead_of_whoever_has_it,
        who_gives_up_hands_over,
        who_only_looks_never_leads,
        a_lead_lasts_as_long_as_it_is_held,
    ],
    limits: [
        a_need_is_taken_as_a_whole_or_not_at_all,
        of_several_limits_all_or_none_are_debited,
        what_is_owed_is_taken_into_debt,
        what_comes_back_can_be_taken_again_and_no_more,
        a_provider_that_says_less_is_believed_and_one_that_says_more_is_not,
        beyond_the_need_at_most_a_quarter_is_taken,
        after_the_wait_the_need_is_granted,
        more_than_a_full_bucket_holds_is_taken_from_a_full_one,
        who_needs_nothing_only_asks,
        one_limit_may_come_twice,
        a_forgotten_bucket_goes_on_from_what_its_caller_knows,
        a_bucket_from_an_old_snapshot_goes_on_from_what_its_caller_knows,
        a_bucket_that_is_known_does_not_listen_to_its_callers,
        a_changed_limit_keeps_what_was_taken,
        the_largest_numbers_do_no_harm,
    ],
    model: [the_bucket_does_what_its_model_does],
    books: [
        usage_adds_up_by_day_tenant_and_model,
        each_entry_is_counted_once_however_often_it_comes,
        workers_count_for_themselves,
        what_was_spent_is_told_by_day_and_by_month,
        a_long_batch_is_counted_whole,
    ],
    keys: [
        keys_come_and_go_and_each_change_has_another_version,
        a_key_comes_back_as_it_was_added,
    ],
    envoys: [an_envoy_counts_as_long_as_it_lives],
    crowds: [
        of_a_crowd_at_most_one_leads,
        a_crowd_never_gets_more_than_flowed_in,
        a_crowd_debits_all_or_none,
        a_crowd_that_repeats_itself_is_counted_once,
    ],
}

use std::time::Duration;
use tokio::time::sleep;

async fn millis(millis: u64) {
    sleep(Duration::from_millis(millis)).await;
}
