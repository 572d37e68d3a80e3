//! The steps of the schema, as they were released.

pub(crate) const STEPS: [&str; 6] = [
    include_str!("../../src/store/sqlite/schema/1.sql"),
    include_str!("../../src/store/sqlite/schema/2_keys_have_times.sql"),
    include_str!("../../src/store/sqlite/schema/3_wishes.sql"),
    include_str!("../../src/store/sqlite/schema/4_copies.sql"),
    include_str!("../../src/store/sqlite/schema/5_times_rise.sql"),
    include_str!("../../src/store/sqlite/schema/6_letters_carry_events.sql"),
];
