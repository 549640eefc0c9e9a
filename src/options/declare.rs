//! The declaration of options: flag, variable and key of the file in one place.

/// Options, each declared once:
///
/// ```text
/// options! {
///     pub struct LimitArgs, LimitKeys in limits {
///         /// Help: a line
///         ///
///         /// More of it.
///         #[arg(long, env = "SRVD_RATE_LIMIT", value_name = "N")]
///         rate_limit: u32 => Reloaded in 0..=RATE_MAX, "0 is no limit";
///     }
///     typed { fields that are no keys of the file }
/// }
/// ```
///
/// The first struct is what clap reads, the second what stands in the file, as the field of
/// [`File`](super::File) that is named. A method of the first, named like the option, gives what
/// was typed, else what is written: with bounds, what is within them. [`TakesEffect`](super::TakesEffect)
/// is when a change of the key is used.
macro_rules! options {
    (
        $(#[$of:meta])*
        pub struct $Args:ident, $Keys:ident in $section:ident {
            $(
                $(#[$option:meta])*
                $name:ident: $kind:ty => $effect:ident $(in $bounds:expr, $remedy:literal)?;
            )*
        }
        $(typed { $( $(#[$only:meta])* $typed:ident: $typed_kind:ty; )* })?
    ) => {
        #[derive(Debug, Clone, Default, clap::Args)]
        $(#[$of])*
        pub struct $Args {
            $( $(#[$option])* pub $name: Option<$kind>, )*
            $( $( $(#[$only])* pub $typed: $typed_kind, )* )?
        }

        /// The same options as keys of the file.
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(rename_all = "kebab-case", default)]
        pub(super) struct $Keys {
            $( pub(super) $name: $crate::options::file::FileValue<$kind>, )*
        }

        impl $Args {
            /// Its fields that are keys of the file, and when a change of each is used.
            pub(super) const KEYS: &[(&str, $crate::options::TakesEffect)] =
                &[$( (stringify!($name), $crate::options::TakesEffect::$effect), )*];

            $( $crate::options::declare::option!($section $name $kind $(, $bounds, $remedy)?); )*
        }
    };
}

/// The method that gives an option's value.
macro_rules! option {
    ($section:ident $name:ident $kind:ty) => {
        /// What was typed, else what is written.
        pub(crate) fn $name(
            &self,
            file: &$crate::options::File,
        ) -> Option<$crate::options::Given<$kind>> {
            let written = &file.$section.$name;
            $crate::options::Given::pick(stringify!($name), &self.$name, written, file)
        }
    };
    ($section:ident $name:ident $kind:ty, $bounds:expr, $remedy:literal) => {
        /// What was typed, else what is written, within its bounds.
        pub(crate) fn $name(
            &self,
            file: &$crate::options::File,
        ) -> Result<Option<$kind>, $crate::error::Failure> {
            let written = &file.$section.$name;
            $crate::options::Given::pick(stringify!($name), &self.$name, written, file)
                .map(|given| given.within($bounds, $remedy))
                .transpose()
        }
    };
}

pub(super) use {option, options};
