//! The codes of findings and how grave each is (language, section 9).

use std::fmt;

/// How grave a finding is: the levels of IAM Access Analyzer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// G: the policy could be simpler or clearer.
    Suggestion,
    /// W: the policy does not follow good practice, or a part of it can have no effect.
    Warning,
    /// S: the policy may allow more than intended.
    SecurityWarning,
    /// E: a part of the policy is wrong and cannot work.
    Error,
}

impl Severity {
    /// The word for output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suggestion => "suggestion",
            Self::Warning => "warning",
            Self::SecurityWarning => "security_warning",
            Self::Error => "error",
        }
    }

    /// The letter of the table of findings: E, S, W or G.
    pub const fn letter(self) -> char {
        match self {
            Self::Suggestion => 'G',
            Self::Warning => 'W',
            Self::SecurityWarning => 'S',
            Self::Error => 'E',
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! codes {
    ($($name:ident $word:literal $severity:ident $summary:literal;)+) => {
        /// What a finding is about. Codes are IAM Access Analyzer's where it has one; `X_` marks
        /// ours.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FindingCode { $(#[doc = $summary] $name,)+ }

        impl FindingCode {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code, such as `INVALID_ACTION`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// How grave findings of this code are.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// What triggers the code, in a line.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$name => $summary,)+ }
            }
        }
    };
}

codes! {
    ArnAccountNotAllowed "ARN_ACCOUNT_NOT_ALLOWED" Error
        "account given in a resource ARN of a service whose ARNs have none (S3 bucket)";
    ArnRegionNotAllowed "ARN_REGION_NOT_ALLOWED" Error
        "region given where the service has none (IAM)";
    DataTypeMismatch "DATA_TYPE_MISMATCH" Error
        "JSON type of an element is not the one it takes, `null` included (L-112)";
    DuplicateKeysWithDifferentCase "DUPLICATE_KEYS_WITH_DIFFERENT_CASE" Error
        "condition keys equal but for case in one operator object (L-107)";
    InvalidAction "INVALID_ACTION" Error
        "action name unknown to the vendor, or pattern matching no action; malformed action \
         text";
    InvalidArnAccount "INVALID_ARN_ACCOUNT" Error
        "account segment is not 12 digits, empty, wildcard, variable or a known word";
    InvalidArnPrefix "INVALID_ARN_PREFIX" Error
        "resource is neither `*` nor starts with `arn:`";
    InvalidArnRegion "INVALID_ARN_REGION" Error
        "region valid but not offered for this resource";
    InvalidArnResource "INVALID_ARN_RESOURCE" Error
        "resource segment fits no resource format of the service; or empty; or L-236";
    InvalidArnServiceCase "INVALID_ARN_SERVICE_CASE" Error
        "upper-case letters in the service segment";
    InvalidConditionDataType "INVALID_CONDITION_DATA_TYPE" Error
        "values of one condition key have different JSON types";
    InvalidConditionKeyFormat "INVALID_CONDITION_KEY_FORMAT" Error
        "key name without `prefix:name` (L-605)";
    InvalidConditionMultipleBoolean "INVALID_CONDITION_MULTIPLE_BOOLEAN" Error
        "more than one value under `Bool`";
    InvalidConditionOperator "INVALID_CONDITION_OPERATOR" Error
        "condition operator that AWS does not define (L-604)";
    InvalidEffect "INVALID_EFFECT" Error
        "`Effect` not `Allow`/`Deny`";
    InvalidGlobalConditionKey "INVALID_GLOBAL_CONDITION_KEY" Error
        "`aws:` key that AWS does not define";
    InvalidPartition "INVALID_PARTITION" Error
        "partition unknown, or not offered by the service";
    InvalidPolicyElement "INVALID_POLICY_ELEMENT" Error
        "unknown element name, or element not allowed in the type";
    InvalidPrincipalFormat "INVALID_PRINCIPAL_FORMAT" Error
        "principal not `\"*\"` and not a map, or malformed principal value";
    InvalidPrincipalKey "INVALID_PRINCIPAL_KEY" Error
        "map key outside the four";
    InvalidRegion "INVALID_REGION" Error
        "a value of a region-typed key (`aws:RequestedRegion`) is no region";
    InvalidService "INVALID_SERVICE" Error
        "service segment of an ARN unknown";
    InvalidServiceConditionKey "INVALID_SERVICE_CONDITION_KEY" Error
        "service key not defined by that service";
    InvalidServiceInAction "INVALID_SERVICE_IN_ACTION" Error
        "vendor of an action unknown; or wildcard in vendor";
    InvalidVariableForOperator "INVALID_VARIABLE_FOR_OPERATOR" Error
        "variable in a value of a non String/Arn operator";
    InvalidVersion "INVALID_VERSION" Error
        "`Version` not one of the two dates";
    JsonSyntaxError "JSON_SYNTAX_ERROR" Error
        "not RFC 8259 (L-103); with or without a position";
    MissingAction "MISSING_ACTION" Error
        "neither `Action` nor `NotAction`";
    MissingArnField "MISSING_ARN_FIELD" Error
        "resource ARN with too few segments";
    MissingArnRegion "MISSING_ARN_REGION" Error
        "region empty where the service needs one";
    MissingEffect "MISSING_EFFECT" Error
        "no `Effect`";
    MissingPrincipal "MISSING_PRINCIPAL" Error
        "resource-type policy statement without a principal element";
    MissingQualifier "MISSING_QUALIFIER" Error
        "multivalued key tested without a set prefix";
    MissingResource "MISSING_RESOURCE" Error
        "no resource element where required";
    MissingStatement "MISSING_STATEMENT" Error
        "no statement, or empty array";
    NullWithIfExists "NULL_WITH_IF_EXISTS" Error
        "`NullIfExists`";
    ScpSyntaxErrorActionWildcard "SCP_SYNTAX_ERROR_ACTION_WILDCARD" Error
        "legacy SCP: wildcard not at the end of an action";
    ScpSyntaxErrorAllowCondition "SCP_SYNTAX_ERROR_ALLOW_CONDITION" Error
        "legacy SCP: `Condition` with `Allow`";
    ScpSyntaxErrorAllowNotaction "SCP_SYNTAX_ERROR_ALLOW_NOTACTION" Error
        "legacy SCP: `NotAction` with `Allow`";
    ScpSyntaxErrorAllowResource "SCP_SYNTAX_ERROR_ALLOW_RESOURCE" Error
        "legacy SCP: `Allow` with a resource other than `*`";
    ScpSyntaxErrorNotresource "SCP_SYNTAX_ERROR_NOTRESOURCE" Error
        "legacy SCP: `NotResource`";
    ScpSyntaxErrorPrincipal "SCP_SYNTAX_ERROR_PRINCIPAL" Error
        "principal element in an SCP (any mode)";
    UniqueSidsRequired "UNIQUE_SIDS_REQUIRED" Error
        "duplicate `Sid` where L-127 rejects it";
    UnsupportedActionInPolicy "UNSUPPORTED_ACTION_IN_POLICY" Error
        "action foreign to the resource the policy is attached to; non-`sts` in TP";
    UnsupportedElementCombination "UNSUPPORTED_ELEMENT_COMBINATION" Error
        "both members of an exclusive pair";
    UnsupportedGlobalConditionKey "UNSUPPORTED_GLOBAL_CONDITION_KEY" Error
        "`aws:ARN` in a new policy";
    UnsupportedPrincipal "UNSUPPORTED_PRINCIPAL" Error
        "principal element in an identity-like policy";
    UnsupportedResourceArnInPolicy "UNSUPPORTED_RESOURCE_ARN_IN_POLICY" Error
        "RP names a resource other than the one it is attached to";
    UnsupportedSid "UNSUPPORTED_SID" Error
        "`Sid` outside `[0-9A-Za-z]*` where that is required";
    UnsupportedWildcardInPrincipal "UNSUPPORTED_WILDCARD_IN_PRINCIPAL" Error
        "a wildcard in a principal, where only `*` as the whole value is one (L-303)";
    MissingBraceInVariable "MISSING_BRACE_IN_VARIABLE" Error
        "`${` never closed";
    MissingQuoteInVariable "MISSING_QUOTE_IN_VARIABLE" Error
        "default not wrapped in single quotes";
    UnsupportedSpaceInVariable "UNSUPPORTED_SPACE_IN_VARIABLE" Error
        "space in a variable name";
    UnsupportedSymbolInVariable "UNSUPPORTED_SYMBOL_IN_VARIABLE" Error
        "other forbidden symbol in a variable (added after 2023)";
    EmptyVariable "EMPTY_VARIABLE" Error
        "`${}`";
    VariableUnsupportedInElement "VARIABLE_UNSUPPORTED_IN_ELEMENT" Error
        "variable in Action, Principal, partition/service segment";
    VariableUnsupportedInVersion "VARIABLE_UNSUPPORTED_IN_VERSION" Error
        "`${…}` without `Version` 2012-10-17";
    PrivateIpAddress "PRIVATE_IP_ADDRESS" Error
        "`IpAddress` on `aws:SourceIp` with private ranges only";
    PrivateNotIpAddress "PRIVATE_NOT_IP_ADDRESS" Error
        "`NotIpAddress` on `aws:SourceIp` with private ranges only";
    PolicySizeExceedsScpQuota "POLICY_SIZE_EXCEEDS_SCP_QUOTA" Error
        "SCP longer than its limit";
    InvalidServicePrincipalFormat "INVALID_SERVICE_PRINCIPAL_FORMAT" Error
        "value of a service-principal key, or `Service` entry, not shaped like one";
    MissingTagKeyInCondition "MISSING_TAG_KEY_IN_CONDITION" Error
        "`aws:ResourceTag`/`RequestTag`/`PrincipalTag` without `/tag-key`";
    InvalidVpcFormat "INVALID_VPC_FORMAT" Error
        "value of a VPC-id key is not `vpc-` and 8 or 17 alphanumerics";
    InvalidVpceFormat "INVALID_VPCE_FORMAT" Error
        "value of an endpoint-id key is not `vpce-` and 8 or 17 alphanumerics";
    FederatedPrincipalNotSupported "FEDERATED_PRINCIPAL_NOT_SUPPORTED" Error
        "`Federated` in a type that cannot have it";
    UnsupportedActionForConditionKey "UNSUPPORTED_ACTION_FOR_CONDITION_KEY" Error
        "listed actions never carry the key, so the test is dead for them";
    UnsupportedConditionKeyForServicePrincipal "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL" Error
        "key never present for that service principal (`aws:PrincipalOrgID`)";
    RoleTrustPolicySyntaxErrorNotprincipal "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL" Error
        "`NotPrincipal` in TP";
    RoleTrustPolicyUnsupportedWildcardInPrincipal "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL" Error
        "`\"Principal\": \"*\"` in TP";
    RoleTrustPolicySyntaxErrorResource "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE" Error
        "resource element in TP";
    MissingActionForConditionKey "MISSING_ACTION_FOR_CONDITION_KEY" Error
        "key settable only by an action that is not listed (`sts:TagSession`, \
         `sts:SetSourceIdentity`)";
    InvalidFederatedPrincipalSyntaxInRoleTrustPolicy "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY" Error
        "`Federated` neither host nor SAML/OIDC ARN";
    MismatchedActionForPrincipal "MISMATCHED_ACTION_FOR_PRINCIPAL" Error
        "SAML provider without AssumeRoleWithSAML, OIDC without AssumeRoleWithWebIdentity, or \
         provider under another key";
    MissingActionForRolesAnywhereTrustPolicy "MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY" Error
        "`rolesanywhere.amazonaws.com` without AssumeRole, SetSourceIdentity and TagSession";
    CreateSlrWithNotResource "CREATE_SLR_WITH_NOT_RESOURCE" Warning
        "Allow, `iam:CreateServiceLinkedRole`, `NotResource`";
    CreateSlrWithStarInActionAndNotResource "CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE" Warning
        "Allow, wildcard covering that action, `NotResource`";
    CreateSlrWithNotActionAndNotResource "CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE" Warning
        "Allow, `NotAction` leaving it in, `NotResource`";
    CreateSlrWithStarInResource "CREATE_SLR_WITH_STAR_IN_RESOURCE" Warning
        "Allow, that action, wildcard resource, no `iam:AWSServiceName` test";
    CreateSlrWithStarInActionAndResource "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE" Warning
        "Allow, wildcard action, wildcard resource";
    CreateSlrWithStarInResourceAndNotAction "CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION" Warning
        "Allow, `NotAction`, wildcard resource";
    DeprecatedGlobalConditionKey "DEPRECATED_GLOBAL_CONDITION_KEY" Warning
        "`aws:ARN` in an existing policy";
    InvalidDateValue "INVALID_DATE_VALUE" Warning
        "epoch number as a date value";
    InvalidRoleReference "INVALID_ROLE_REFERENCE" Warning
        "`AROA…` as principal";
    InvalidUserReference "INVALID_USER_REFERENCE" Warning
        "`AIDA…` as principal";
    MissingVersion "MISSING_VERSION" Warning
        "no `Version`";
    UniqueSidsRecommended "UNIQUE_SIDS_RECOMMENDED" Warning
        "duplicate Sid where tolerated";
    WildcardWithoutLikeOperator "WILDCARD_WITHOUT_LIKE_OPERATOR" Warning
        "`*` or `?` in a value of a String operator without `Like`";
    PolicySizeExceedsIdentityPolicyQuota "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA" Warning
        "identity policy over its limit";
    PolicySizeExceedsResourcePolicyQuota "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA" Warning
        "RP over its service's limit";
    PolicySizeExceedsRoleTrustPolicyQuota "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA" Warning
        "TP over its limit";
    TypeMismatch "TYPE_MISMATCH" Warning
        "operator class does not fit the key's type";
    TypeMismatchBoolean "TYPE_MISMATCH_BOOLEAN" Warning
        "`Bool`/`Null` value not true/false";
    TypeMismatchDate "TYPE_MISMATCH_DATE" Warning
        "date value that cannot be read (L-616)";
    TypeMismatchIpRange "TYPE_MISMATCH_IP_RANGE" Warning
        "IP value that cannot be read (L-619)";
    TypeMismatchNumber "TYPE_MISMATCH_NUMBER" Warning
        "numeric value that cannot be read (L-615)";
    TypeMismatchString "TYPE_MISMATCH_STRING" Warning
        "`BinaryEquals` value not base64";
    SpecificGithubRepoAndBranchRecommended "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED" Warning
        "GitHub `sub` value with a wildcard before repository and branch";
    AllowWithNotPrincipal "ALLOW_WITH_NOT_PRINCIPAL" SecurityWarning
        "Allow + `NotPrincipal`";
    ForallvaluesWithSingleValuedKey "FORALLVALUES_WITH_SINGLE_VALUED_KEY" SecurityWarning
        "`ForAllValues` on a single-valued key, in Allow";
    PassRoleWithNotResource "PASS_ROLE_WITH_NOT_RESOURCE" SecurityWarning
        "Allow, `iam:PassRole`, `NotResource`";
    PassRoleWithStarInActionAndNotResource "PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE" SecurityWarning
        "Allow, wildcard covering it, `NotResource`";
    PassRoleWithNotActionAndNotResource "PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE" SecurityWarning
        "Allow, `NotAction` leaving it in, `NotResource`";
    PassRoleWithStarInResource "PASS_ROLE_WITH_STAR_IN_RESOURCE" SecurityWarning
        "Allow, PassRole, wildcard resource, no `iam:PassedToService` test";
    PassRoleWithStarInActionAndResource "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE" SecurityWarning
        "Allow, wildcard action, wildcard resource, no `iam:PassedToService` test";
    PassRoleWithStarInResourceAndNotAction "PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION" SecurityWarning
        "Allow, `NotAction`, wildcard resource, no `iam:PassedToService` test";
    MissingPairedConditionKeys "MISSING_PAIRED_CONDITION_KEYS" SecurityWarning
        "key tested without its companion in the same block (`aws:VpcSourceIp` without \
         `aws:SourceVpc`, `aws:Ec2InstanceSourcePrivateIPv4` without \
         `aws:Ec2InstanceSourceVpc`, …)";
    DenyWithUnsupportedTagConditionKeyForService "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE" SecurityWarning
        "Deny, tag key, actions of services that never carry it";
    DenyNotactionWithUnsupportedTagConditionKeyForService "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE" SecurityWarning
        "Deny, `NotAction`, tag key";
    RestrictAccessToServicePrincipal "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL" SecurityWarning
        "Allow to a service principal without a source-account/ARN/org test (role trust for \
         compute services excepted by list)";
    MissingConditionKeyForOidcPrincipal "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL" SecurityWarning
        "TP: OIDC provider without any test of its own keys";
    MissingGithubRepoConditionKey "MISSING_GITHUB_REPO_CONDITION_KEY" SecurityWarning
        "TP: GitHub provider without a `sub` test";
    EmptyArrayAction "EMPTY_ARRAY_ACTION" Suggestion
        "`Action: []`";
    EmptyArrayCondition "EMPTY_ARRAY_CONDITION" Suggestion
        "key with `[]`, no set prefix, no IfExists";
    EmptyArrayConditionForallvalues "EMPTY_ARRAY_CONDITION_FORALLVALUES" Suggestion
        "key with `[]` under `ForAllValues`";
    EmptyArrayConditionForanyvalue "EMPTY_ARRAY_CONDITION_FORANYVALUE" Suggestion
        "key with `[]` under `ForAnyValue`";
    EmptyArrayConditionIfexists "EMPTY_ARRAY_CONDITION_IFEXISTS" Suggestion
        "key with `[]` under an operator with `IfExists`";
    EmptyArrayPrincipal "EMPTY_ARRAY_PRINCIPAL" Suggestion
        "principal key with `[]`";
    EmptyArrayResource "EMPTY_ARRAY_RESOURCE" Suggestion
        "`Resource: []`";
    EmptyObjectCondition "EMPTY_OBJECT_CONDITION" Suggestion
        "`Condition: {}` or operator with `{}`";
    EmptyObjectPrincipal "EMPTY_OBJECT_PRINCIPAL" Suggestion
        "`Principal: {}`";
    EmptySidValue "EMPTY_SID_VALUE" Suggestion
        "`Sid: \"\"`";
    ImproveIpRange "IMPROVE_IP_RANGE" Suggestion
        "host bits set beyond the prefix";
    NullWithQualifier "NULL_WITH_QUALIFIER" Suggestion
        "`ForAllValues:Null`, `ForAnyValue:Null`";
    PrivateIpAddressSubset "PRIVATE_IP_ADDRESS_SUBSET" Suggestion
        "`IpAddress` on `aws:SourceIp` mixes private and public ranges";
    PrivateNotIpAddressSubset "PRIVATE_NOT_IP_ADDRESS_SUBSET" Suggestion
        "`NotIpAddress` on `aws:SourceIp` mixes private and public ranges";
    RedundantAction "REDUNDANT_ACTION" Suggestion
        "an action pattern is covered by another in the same list";
    RedundantConditionValueNum "REDUNDANT_CONDITION_VALUE_NUM" Suggestion
        "several values of an ordered numeric operator";
    RedundantResource "REDUNDANT_RESOURCE" Suggestion
        "a resource pattern is covered by another";
    RedundantStatement "REDUNDANT_STATEMENT" Suggestion
        "two statements equal but for Sid";
    WildcardInServiceName "WILDCARD_IN_SERVICE_NAME" Suggestion
        "`*`/`?` in the service segment of an ARN (or action vendor)";
    AllowWithUnsupportedTagConditionKeyForService "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE" Suggestion
        "Allow, tag key, actions that never carry it";
    AllowNotactionWithUnsupportedTagConditionKeyForService "ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE" Suggestion
        "Allow, `NotAction`, tag key";
    RecommendedConditionKeyForServicePrincipal "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL" Suggestion
        "source test by a service-specific key where `aws:SourceArn`/`aws:SourceAccount` is \
         better";
    IrrelevantConditionKeyInPolicy "IRRELEVANT_CONDITION_KEY_IN_POLICY" Suggestion
        "key that makes no sense in this RP (`s3:ResourceAccount` on a bucket)";
    RedundantPrincipalInRoleTrustPolicy "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY" Suggestion
        "TP lists a session and its own role";
    ConfirmAudienceClaimType "CONFIRM_AUDIENCE_CLAIM_TYPE" Suggestion
        "TP tests an `aud` claim; single- or multivalued must be confirmed";
    XInvalidPolicy "X_INVALID_POLICY" Error
        "poison document (L-005)";
    XInvalidPrincipal "X_INVALID_PRINCIPAL" Error
        "principal that does not exist at save (L-321)";
    XRcpEffect "X_RCP_EFFECT" Error
        "RCP with `Allow`, not the managed default";
    XRcpPrincipal "X_RCP_PRINCIPAL" Error
        "RCP principal not the string `\"*\"`";
    XRcpActionStar "X_RCP_ACTION_STAR" Error
        "RCP with bare `*` action";
    XRcpNotElement "X_RCP_NOT_ELEMENT" Error
        "RCP with `NotAction` or `NotPrincipal`";
    XRcpService "X_RCP_SERVICE" Warning
        "RCP action of a service RCPs do not cover";
    XNegativeEmpty "X_NEGATIVE_EMPTY" Error
        "an empty `NotAction`, `NotResource` or `NotPrincipal` (L-204)";
    XDuplicateMember "X_DUPLICATE_MEMBER" Error
        "a member name that occurs twice in one object (L-106)";
    XOperatorCase "X_OPERATOR_CASE" Warning
        "operator not in canonical spelling (L-603)";
    XDateWithoutZone "X_DATE_WITHOUT_ZONE" Warning
        "date value with a time and no zone, read as UTC (L-616)";
    XWildcardInResourceType "X_WILDCARD_IN_RESOURCE_TYPE" Warning
        "wildcard before the first `/` or `:` of the resource segment";
    XArnPatternTooShortInCondition "X_ARN_PATTERN_TOO_SHORT_IN_CONDITION" Warning
        "Arn operator value with fewer than six segments: never matches";
    XColonCrossingStar "X_COLON_CROSSING_STAR" Warning
        "resource pattern whose wide `*` (L-411) is followed by more segments";
    XNotprincipalIncompleteChain "X_NOTPRINCIPAL_INCOMPLETE_CHAIN" Warning
        "`NotPrincipal` with Deny lists an entity but not its account (or role)";
    XEpochLikeYear "X_EPOCH_LIKE_YEAR" Warning
        "four-digit date value";
    XSensitiveKeyWildcard "X_SENSITIVE_KEY_WILDCARD" SecurityWarning
        "wildcard in a value of a key of L-708";
    XUnreachableNotresource "X_UNREACHABLE_NOTRESOURCE" Warning
        "`NotResource` with actions that only know resource `*` (L-238)";
}

impl FindingCode {
    /// The code of a word such as `INVALID_ACTION`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

impl fmt::Display for FindingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
