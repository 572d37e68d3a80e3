//! The two macros behind the catalogue: `event!` makes a payload type, `registry!` the enumeration of all.

/// Defines one event type: a struct with its members, a constructor that takes the required ones, a setter for
/// each optional one, and [`Payload`](super::Payload). `"wire-name" = "ID"` is the member's name and requirement.
///
/// `subject` names a function that judges the subject of the SET, `check` one that judges members together.
macro_rules! event {
    (@default $name:ident {}) => {
        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    };
    (@default $name:ident { $($required:ident)+ }) => {};
    (
        $(#[$doc:meta])*
        $name:ident, $uri:literal, $spec:literal $(, deprecated = $deprecated:literal)?
        $(, subject = $subject:path)? $(, check = $hook:path)?;
        required { $($(#[$rdoc:meta])* $req:ident: $rty:ty, $rwire:literal = $rid:literal;)* }
        optional { $($(#[$odoc:meta])* $opt:ident: $oty:ty, $owire:literal = $oid:literal;)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$rdoc])* pub $req: $rty,)*
            $($(#[$odoc])* pub $opt: Option<$oty>,)*
            /// Members that the definition does not name.
            pub other: serde_json::Map<String, serde_json::Value>,
        }

        impl $name {
            /// The event with what its definition requires.
            pub fn new($($req: impl Into<$rty>),*) -> Self {
                Self { $($req: $req.into(),)* $($opt: None,)* other: serde_json::Map::new() }
            }

            $($(#[$odoc])*
            pub fn $opt(mut self, $opt: impl Into<$oty>) -> Self {
                self.$opt = Some($opt.into());
                self
            })*
        }

        $crate::event::define::event!(@default $name { $($req)* });

        impl $crate::event::Payload for $name {
            const URI: &'static str = $uri;
            const SPEC: &'static str = $spec;
            $(const DEPRECATED: bool = $deprecated;)?

            fn read(
                payload: secevent_jose::json::Object<'_>,
                check: &mut $crate::Check,
            ) -> Option<Self> {
                let mut reader = $crate::event::member::Reader::new(payload, &[$($rwire,)* $($owire,)*], check);
                // Every member is read before any failure ends the reading: all findings at once.
                $(let $req = reader.required::<$rty>($rwire, $rid);)*
                $(let $opt = reader.optional::<$oty>($owire, $oid);)*
                let event = Self { other: reader.rest(), $($req: $req?,)* $($opt: $opt?,)* };
                $(let event = $crate::event::member::judged(event, $hook, check)?;)?
                Some(event)
            }

            fn write(&self) -> serde_json::Map<String, serde_json::Value> {
                let members = [
                    $(Some(($rwire, $crate::event::Member::write(&self.$req))),)*
                    $(self.$opt.as_ref().map(|value| ($owire, $crate::event::Member::write(value))),)*
                ];
                $crate::event::member::object(members, &self.other)
            }

            $(fn check_subject(format: Option<&str>, check: &mut $crate::Check) {
                $subject(format, check);
            })?
        }
    };
}

/// Defines `Event` with a variant per payload type, in catalogue order.
macro_rules! registry {
    ($($family:ident::$name:ident),* $(,)?) => {
        /// One event of a SET: a payload of the catalogue, or any other under its URI.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Event {
            $(#[doc = concat!("[`", stringify!($family), "::", stringify!($name), "`].")]
            $name($family::$name),)*
            /// An event that is not in the catalogue; its payload is kept as it came.
            Other {
                /// The event identifier.
                uri: String,
                /// The payload.
                payload: Map<String, Value>,
            },
        }

        impl Event {
            /// Reads a payload under its event identifier. `None` when it breaks the definition of a known type.
            pub fn read(uri: &str, payload: Object<'_>, check: &mut Check) -> Option<Self> {
                match uri {
                    $(<$family::$name as Payload>::URI => $family::$name::read(payload, check).map(Self::$name),)*
                    _ => Some(Self::Other { uri: uri.to_owned(), payload: payload.to_map() }),
                }
            }

            /// The event identifier.
            pub fn uri(&self) -> &str {
                match self {
                    $(Self::$name(_) => <$family::$name as Payload>::URI,)*
                    Self::Other { uri, .. } => uri,
                }
            }

            /// The payload as JSON.
            pub fn payload(&self) -> Map<String, Value> {
                match self {
                    $(Self::$name(event) => event.write(),)*
                    Self::Other { payload, .. } => payload.clone(),
                }
            }

            /// The event type.
            pub fn event_type(&self) -> EventType {
                EventType::from_uri(self.uri())
            }

            /// Judges the format of the subject of the SET where the event's definition restricts it.
            pub fn check_subject(uri: &str, format: Option<&str>, check: &mut Check) {
                match uri {
                    $(<$family::$name as Payload>::URI => <$family::$name as Payload>::check_subject(format, check),)*
                    _ => {}
                }
            }
        }

        $(impl From<$family::$name> for Event {
            fn from(event: $family::$name) -> Self {
                Self::$name(event)
            }
        })*

        impl EventType {
            /// Every event type of the catalogue: URI, defining section, whether deprecated.
            pub(crate) const CATALOGUE: &'static [(&'static str, &'static str, bool)] = &[$((
                <$family::$name as Payload>::URI,
                <$family::$name as Payload>::SPEC,
                <$family::$name as Payload>::DEPRECATED,
            ),)*];
        }
    };
}

/// Defines an enumeration over strings. A closed one refuses other values, an open one keeps them.
macro_rules! string_enum {
    (@common $name:ident { $($variant:ident = $wire:literal,)* }) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
    ($(#[$doc:meta])* closed $name:ident { $($(#[$vdoc:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// The value as it stands in a payload.
            pub const fn as_str(&self) -> &'static str {
                match self { $(Self::$variant => $wire,)* }
            }
        }

        impl $crate::event::Member for $name {
            const EXPECTED: &'static str = concat!("one of" $(, " `", $wire, "`")*);

            fn read(value: secevent_jose::json::Json<'_>) -> Option<Self> {
                match value.as_str()? { $($wire => Some(Self::$variant),)* _ => None }
            }

            fn write(&self) -> serde_json::Value {
                self.as_str().into()
            }
        }

        $crate::event::define::string_enum!(@common $name { $($variant = $wire,)* });
    };
    ($(#[$doc:meta])* open $name:ident { $($(#[$vdoc:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
            /// A value that both parties agreed on.
            Other(String),
        }

        impl $name {
            /// The value as it stands in a payload.
            pub const fn as_str(&self) -> &str {
                match self { $(Self::$variant => $wire,)* Self::Other(text) => text.as_str() }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text { $($wire => Self::$variant,)* other => Self::Other(other.to_owned()) }
            }
        }

        impl $crate::event::Member for $name {
            const EXPECTED: &'static str = concat!("a string, such as" $(, " `", $wire, "`")*);

            fn read(value: secevent_jose::json::Json<'_>) -> Option<Self> {
                value.as_str().filter(|text| !text.is_empty()).map(Self::from)
            }

            fn write(&self) -> serde_json::Value {
                self.as_str().into()
            }
        }

        $crate::event::define::string_enum!(@common $name { $($variant = $wire,)* });
    };
}

pub(crate) use {event, registry, string_enum};
