// Made by scripts/gen-proto.mjs from proto/alamesh/v1. Do not edit.
import type * as $protobuf from "protobufjs/minimal.js";
interface Long { readonly low: number; readonly high: number; readonly unsigned?: boolean }

/** Namespace alamesh. */
export declare namespace alamesh {

    /** Namespace v1. */
    namespace v1 {

        /**
         * Properties of a BgpMessage.
         * @deprecated Use alamesh.v1.BgpMessage.$Properties instead.
         */
        interface IBgpMessage extends alamesh.v1.BgpMessage.$Properties {
        }

        /** Represents a BgpMessage. */
        class BgpMessage {

            /**
             * Constructs a new BgpMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.BgpMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** BgpMessage open. */
            open?: (alamesh.v1.Open|null);

            /** BgpMessage keepalive. */
            keepalive?: (alamesh.v1.Keepalive|null);

            /** BgpMessage update. */
            update?: (alamesh.v1.Update|null);

            /** BgpMessage routeRefresh. */
            routeRefresh?: (alamesh.v1.RouteRefresh|null);

            /** BgpMessage notification. */
            notification?: (alamesh.v1.Notification|null);

            /** BgpMessage linkProposal. */
            linkProposal?: (alamesh.v1.LinkProposal|null);

            /** BgpMessage linkAgreement. */
            linkAgreement?: (alamesh.v1.LinkAgreement|null);

            /** BgpMessage message. */
            message?: ("open"|"keepalive"|"update"|"routeRefresh"|"notification"|"linkProposal"|"linkAgreement");

            /**
             * Encodes the specified BgpMessage message. Does not implicitly {@link alamesh.v1.BgpMessage.verify|verify} messages.
             * @param message BgpMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.BgpMessage, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a BgpMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.BgpMessage & alamesh.v1.BgpMessage.$Shape} BgpMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.BgpMessage & alamesh.v1.BgpMessage.$Shape;
        }

        namespace BgpMessage {

            /** Properties of a BgpMessage. */
            interface $Properties {

                /** BgpMessage open */
                open?: (alamesh.v1.Open|null);

                /** BgpMessage keepalive */
                keepalive?: (alamesh.v1.Keepalive|null);

                /** BgpMessage update */
                update?: (alamesh.v1.Update|null);

                /** BgpMessage routeRefresh */
                routeRefresh?: (alamesh.v1.RouteRefresh|null);

                /** BgpMessage notification */
                notification?: (alamesh.v1.Notification|null);

                /** BgpMessage linkProposal */
                linkProposal?: (alamesh.v1.LinkProposal|null);

                /** BgpMessage linkAgreement */
                linkAgreement?: (alamesh.v1.LinkAgreement|null);

                /** BgpMessage message */
                message?: ("open"|"keepalive"|"update"|"routeRefresh"|"notification"|"linkProposal"|"linkAgreement");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a BgpMessage. */
            type $Shape = {
              open?: alamesh.v1.Open.$Shape|null;
              keepalive?: alamesh.v1.Keepalive.$Shape|null;
              update?: alamesh.v1.Update.$Shape|null;
              routeRefresh?: alamesh.v1.RouteRefresh.$Shape|null;
              notification?: alamesh.v1.Notification.$Shape|null;
              linkProposal?: alamesh.v1.LinkProposal.$Shape|null;
              linkAgreement?: alamesh.v1.LinkAgreement.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ message?: undefined; open?: null; keepalive?: null; update?: null; routeRefresh?: null; notification?: null; linkProposal?: null; linkAgreement?: null }|{ message?: "open"; open: alamesh.v1.Open.$Shape; keepalive?: null; update?: null; routeRefresh?: null; notification?: null; linkProposal?: null; linkAgreement?: null }|{ message?: "keepalive"; open?: null; keepalive: alamesh.v1.Keepalive.$Shape; update?: null; routeRefresh?: null; notification?: null; linkProposal?: null; linkAgreement?: null }|{ message?: "update"; open?: null; keepalive?: null; update: alamesh.v1.Update.$Shape; routeRefresh?: null; notification?: null; linkProposal?: null; linkAgreement?: null }|{ message?: "routeRefresh"; open?: null; keepalive?: null; update?: null; routeRefresh: alamesh.v1.RouteRefresh.$Shape; notification?: null; linkProposal?: null; linkAgreement?: null }|{ message?: "notification"; open?: null; keepalive?: null; update?: null; routeRefresh?: null; notification: alamesh.v1.Notification.$Shape; linkProposal?: null; linkAgreement?: null }|{ message?: "linkProposal"; open?: null; keepalive?: null; update?: null; routeRefresh?: null; notification?: null; linkProposal: alamesh.v1.LinkProposal.$Shape; linkAgreement?: null }|{ message?: "linkAgreement"; open?: null; keepalive?: null; update?: null; routeRefresh?: null; notification?: null; linkProposal?: null; linkAgreement: alamesh.v1.LinkAgreement.$Shape })
            );
        }

        /** Role enum. */
        enum Role {

            /** ROLE_UNSPECIFIED value */
            ROLE_UNSPECIFIED = 0,

            /** ROLE_PEER value */
            ROLE_PEER = 1,

            /** ROLE_PROVIDER value */
            ROLE_PROVIDER = 2,

            /** ROLE_CUSTOMER value */
            ROLE_CUSTOMER = 3
        }

        /**
         * Properties of an Open.
         * @deprecated Use alamesh.v1.Open.$Properties instead.
         */
        interface IOpen extends alamesh.v1.Open.$Properties {
        }

        /** Represents an Open. */
        class Open {

            /**
             * Constructs a new Open.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.Open.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Open version. */
            version: number;

            /** Open node. */
            node?: (alamesh.v1.SignedRecord|null);

            /** Open holdTime. */
            holdTime: number;

            /** Open role. */
            role: alamesh.v1.Role;

            /** Open name. */
            name: string;

            /** Open capabilities. */
            capabilities: alamesh.v1.Capability[];

            /**
             * Encodes the specified Open message. Does not implicitly {@link alamesh.v1.Open.verify|verify} messages.
             * @param message Open message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.Open, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Open message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.Open & alamesh.v1.Open.$Shape} Open
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.Open & alamesh.v1.Open.$Shape;
        }

        namespace Open {

            /** Properties of an Open. */
            interface $Properties {

                /** Open version */
                version?: (number|null);

                /** Open node */
                node?: (alamesh.v1.SignedRecord|null);

                /** Open holdTime */
                holdTime?: (number|null);

                /** Open role */
                role?: (alamesh.v1.Role|null);

                /** Open name */
                name?: (string|null);

                /** Open capabilities */
                capabilities?: (alamesh.v1.Capability[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Open. */
            type $Shape = alamesh.v1.Open.$Properties;
        }

        /**
         * Properties of a Capability.
         * @deprecated Use alamesh.v1.Capability.$Properties instead.
         */
        interface ICapability extends alamesh.v1.Capability.$Properties {
        }

        /** Represents a Capability. */
        class Capability {

            /**
             * Constructs a new Capability.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.Capability.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Capability code. */
            code: number;

            /** Capability value. */
            value: Uint8Array;

            /**
             * Encodes the specified Capability message. Does not implicitly {@link alamesh.v1.Capability.verify|verify} messages.
             * @param message Capability message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.Capability, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Capability message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.Capability & alamesh.v1.Capability.$Shape} Capability
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.Capability & alamesh.v1.Capability.$Shape;
        }

        namespace Capability {

            /** Properties of a Capability. */
            interface $Properties {

                /** Capability code */
                code?: (number|null);

                /** Capability value */
                value?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Capability. */
            type $Shape = alamesh.v1.Capability.$Properties;
        }

        /**
         * Properties of a Keepalive.
         * @deprecated Use alamesh.v1.Keepalive.$Properties instead.
         */
        interface IKeepalive extends alamesh.v1.Keepalive.$Properties {
        }

        /** Represents a Keepalive. */
        class Keepalive {

            /**
             * Constructs a new Keepalive.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.Keepalive.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Encodes the specified Keepalive message. Does not implicitly {@link alamesh.v1.Keepalive.verify|verify} messages.
             * @param message Keepalive message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.Keepalive, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Keepalive message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.Keepalive & alamesh.v1.Keepalive.$Shape} Keepalive
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.Keepalive & alamesh.v1.Keepalive.$Shape;
        }

        namespace Keepalive {

            /** Properties of a Keepalive. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Keepalive. */
            type $Shape = alamesh.v1.Keepalive.$Properties;
        }

        /**
         * Properties of an Update.
         * @deprecated Use alamesh.v1.Update.$Properties instead.
         */
        interface IUpdate extends alamesh.v1.Update.$Properties {
        }

        /** Represents an Update. */
        class Update {

            /**
             * Constructs a new Update.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.Update.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Update records. */
            records: alamesh.v1.DictionaryRecord[];

            /** Update paths. */
            paths: alamesh.v1.PathStep[];

            /** Update routes. */
            routes: alamesh.v1.Route[];

            /** Update withdrawn. */
            withdrawn: number[];

            /** Update endOfRib. */
            endOfRib: boolean;

            /** Update beginOfRib. */
            beginOfRib: boolean;

            /** Update forgetPaths. */
            forgetPaths: number[];

            /** Update forgetRecords. */
            forgetRecords: number[];

            /**
             * Encodes the specified Update message. Does not implicitly {@link alamesh.v1.Update.verify|verify} messages.
             * @param message Update message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.Update, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Update message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.Update & alamesh.v1.Update.$Shape} Update
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.Update & alamesh.v1.Update.$Shape;
        }

        namespace Update {

            /** Properties of an Update. */
            interface $Properties {

                /** Update records */
                records?: (alamesh.v1.DictionaryRecord[]|null);

                /** Update paths */
                paths?: (alamesh.v1.PathStep[]|null);

                /** Update routes */
                routes?: (alamesh.v1.Route[]|null);

                /** Update withdrawn */
                withdrawn?: (number[]|null);

                /** Update endOfRib */
                endOfRib?: (boolean|null);

                /** Update beginOfRib */
                beginOfRib?: (boolean|null);

                /** Update forgetPaths */
                forgetPaths?: (number[]|null);

                /** Update forgetRecords */
                forgetRecords?: (number[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Update. */
            type $Shape = alamesh.v1.Update.$Properties;
        }

        /**
         * Properties of a DictionaryRecord.
         * @deprecated Use alamesh.v1.DictionaryRecord.$Properties instead.
         */
        interface IDictionaryRecord extends alamesh.v1.DictionaryRecord.$Properties {
        }

        /** Represents a DictionaryRecord. */
        class DictionaryRecord {

            /**
             * Constructs a new DictionaryRecord.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.DictionaryRecord.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** DictionaryRecord id. */
            id: number;

            /** DictionaryRecord record. */
            record?: (alamesh.v1.SignedRecord|null);

            /**
             * Encodes the specified DictionaryRecord message. Does not implicitly {@link alamesh.v1.DictionaryRecord.verify|verify} messages.
             * @param message DictionaryRecord message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.DictionaryRecord, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a DictionaryRecord message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.DictionaryRecord & alamesh.v1.DictionaryRecord.$Shape} DictionaryRecord
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.DictionaryRecord & alamesh.v1.DictionaryRecord.$Shape;
        }

        namespace DictionaryRecord {

            /** Properties of a DictionaryRecord. */
            interface $Properties {

                /** DictionaryRecord id */
                id?: (number|null);

                /** DictionaryRecord record */
                record?: (alamesh.v1.SignedRecord|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a DictionaryRecord. */
            type $Shape = alamesh.v1.DictionaryRecord.$Properties;
        }

        /**
         * Properties of a PathStep.
         * @deprecated Use alamesh.v1.PathStep.$Properties instead.
         */
        interface IPathStep extends alamesh.v1.PathStep.$Properties {
        }

        /** Represents a PathStep. */
        class PathStep {

            /**
             * Constructs a new PathStep.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.PathStep.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PathStep id. */
            id: number;

            /** PathStep parent. */
            parent: number;

            /** PathStep link. */
            link: number;

            /**
             * Encodes the specified PathStep message. Does not implicitly {@link alamesh.v1.PathStep.verify|verify} messages.
             * @param message PathStep message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.PathStep, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PathStep message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.PathStep & alamesh.v1.PathStep.$Shape} PathStep
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.PathStep & alamesh.v1.PathStep.$Shape;
        }

        namespace PathStep {

            /** Properties of a PathStep. */
            interface $Properties {

                /** PathStep id */
                id?: (number|null);

                /** PathStep parent */
                parent?: (number|null);

                /** PathStep link */
                link?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PathStep. */
            type $Shape = alamesh.v1.PathStep.$Properties;
        }

        /**
         * Properties of a Route.
         * @deprecated Use alamesh.v1.Route.$Properties instead.
         */
        interface IRoute extends alamesh.v1.Route.$Properties {
        }

        /** Represents a Route. */
        class Route {

            /**
             * Constructs a new Route.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.Route.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Route origin. */
            origin: number;

            /** Route path. */
            path: number;

            /** Route communities. */
            communities: (number|Long)[];

            /**
             * Encodes the specified Route message. Does not implicitly {@link alamesh.v1.Route.verify|verify} messages.
             * @param message Route message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.Route, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Route message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.Route & alamesh.v1.Route.$Shape} Route
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.Route & alamesh.v1.Route.$Shape;
        }

        namespace Route {

            /** Properties of a Route. */
            interface $Properties {

                /** Route origin */
                origin?: (number|null);

                /** Route path */
                path?: (number|null);

                /** Route communities */
                communities?: ((number|Long)[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Route. */
            type $Shape = alamesh.v1.Route.$Properties;
        }

        /**
         * Properties of a RouteRefresh.
         * @deprecated Use alamesh.v1.RouteRefresh.$Properties instead.
         */
        interface IRouteRefresh extends alamesh.v1.RouteRefresh.$Properties {
        }

        /** Represents a RouteRefresh. */
        class RouteRefresh {

            /**
             * Constructs a new RouteRefresh.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.RouteRefresh.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Encodes the specified RouteRefresh message. Does not implicitly {@link alamesh.v1.RouteRefresh.verify|verify} messages.
             * @param message RouteRefresh message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.RouteRefresh, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a RouteRefresh message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.RouteRefresh & alamesh.v1.RouteRefresh.$Shape} RouteRefresh
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.RouteRefresh & alamesh.v1.RouteRefresh.$Shape;
        }

        namespace RouteRefresh {

            /** Properties of a RouteRefresh. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a RouteRefresh. */
            type $Shape = alamesh.v1.RouteRefresh.$Properties;
        }

        /**
         * Properties of a Notification.
         * @deprecated Use alamesh.v1.Notification.$Properties instead.
         */
        interface INotification extends alamesh.v1.Notification.$Properties {
        }

        /** Represents a Notification. */
        class Notification {

            /**
             * Constructs a new Notification.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.Notification.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Notification code. */
            code: number;

            /** Notification subcode. */
            subcode: number;

            /** Notification text. */
            text: string;

            /**
             * Encodes the specified Notification message. Does not implicitly {@link alamesh.v1.Notification.verify|verify} messages.
             * @param message Notification message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.Notification, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Notification message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.Notification & alamesh.v1.Notification.$Shape} Notification
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.Notification & alamesh.v1.Notification.$Shape;
        }

        namespace Notification {

            /** Properties of a Notification. */
            interface $Properties {

                /** Notification code */
                code?: (number|null);

                /** Notification subcode */
                subcode?: (number|null);

                /** Notification text */
                text?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Notification. */
            type $Shape = alamesh.v1.Notification.$Properties;
        }

        /**
         * Properties of a LinkProposal.
         * @deprecated Use alamesh.v1.LinkProposal.$Properties instead.
         */
        interface ILinkProposal extends alamesh.v1.LinkProposal.$Properties {
        }

        /** Represents a LinkProposal. */
        class LinkProposal {

            /**
             * Constructs a new LinkProposal.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.LinkProposal.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LinkProposal record. */
            record?: (alamesh.v1.SignedRecord|null);

            /**
             * Encodes the specified LinkProposal message. Does not implicitly {@link alamesh.v1.LinkProposal.verify|verify} messages.
             * @param message LinkProposal message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.LinkProposal, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LinkProposal message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.LinkProposal & alamesh.v1.LinkProposal.$Shape} LinkProposal
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.LinkProposal & alamesh.v1.LinkProposal.$Shape;
        }

        namespace LinkProposal {

            /** Properties of a LinkProposal. */
            interface $Properties {

                /** LinkProposal record */
                record?: (alamesh.v1.SignedRecord|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LinkProposal. */
            type $Shape = alamesh.v1.LinkProposal.$Properties;
        }

        /**
         * Properties of a LinkAgreement.
         * @deprecated Use alamesh.v1.LinkAgreement.$Properties instead.
         */
        interface ILinkAgreement extends alamesh.v1.LinkAgreement.$Properties {
        }

        /** Represents a LinkAgreement. */
        class LinkAgreement {

            /**
             * Constructs a new LinkAgreement.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.LinkAgreement.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LinkAgreement record. */
            record?: (alamesh.v1.SignedRecord|null);

            /** LinkAgreement costClass. */
            costClass: number;

            /** LinkAgreement seqSeen. */
            seqSeen: (number|Long);

            /**
             * Encodes the specified LinkAgreement message. Does not implicitly {@link alamesh.v1.LinkAgreement.verify|verify} messages.
             * @param message LinkAgreement message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.LinkAgreement, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LinkAgreement message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.LinkAgreement & alamesh.v1.LinkAgreement.$Shape} LinkAgreement
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.LinkAgreement & alamesh.v1.LinkAgreement.$Shape;
        }

        namespace LinkAgreement {

            /** Properties of a LinkAgreement. */
            interface $Properties {

                /** LinkAgreement record */
                record?: (alamesh.v1.SignedRecord|null);

                /** LinkAgreement costClass */
                costClass?: (number|null);

                /** LinkAgreement seqSeen */
                seqSeen?: (number|Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LinkAgreement. */
            type $Shape = alamesh.v1.LinkAgreement.$Properties;
        }

        /**
         * Properties of a Proof.
         * @deprecated Use alamesh.v1.Proof.$Properties instead.
         */
        interface IProof extends alamesh.v1.Proof.$Properties {
        }

        /** Represents a Proof. */
        class Proof {

            /**
             * Constructs a new Proof.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.Proof.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Proof publicKey. */
            publicKey: Uint8Array;

            /** Proof successor. */
            successor: Uint8Array;

            /** Proof nonce. */
            nonce: (number|Long);

            /**
             * Encodes the specified Proof message. Does not implicitly {@link alamesh.v1.Proof.verify|verify} messages.
             * @param message Proof message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.Proof, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Proof message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.Proof & alamesh.v1.Proof.$Shape} Proof
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.Proof & alamesh.v1.Proof.$Shape;
        }

        namespace Proof {

            /** Properties of a Proof. */
            interface $Properties {

                /** Proof publicKey */
                publicKey?: (Uint8Array|null);

                /** Proof successor */
                successor?: (Uint8Array|null);

                /** Proof nonce */
                nonce?: (number|Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Proof. */
            type $Shape = alamesh.v1.Proof.$Properties;
        }

        /**
         * Properties of a NodeRecord.
         * @deprecated Use alamesh.v1.NodeRecord.$Properties instead.
         */
        interface INodeRecord extends alamesh.v1.NodeRecord.$Properties {
        }

        /** Represents a NodeRecord. */
        class NodeRecord {

            /**
             * Constructs a new NodeRecord.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.NodeRecord.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** NodeRecord realm. */
            realm: string;

            /** NodeRecord proof. */
            proof?: (alamesh.v1.Proof|null);

            /** NodeRecord noiseKey. */
            noiseKey: Uint8Array;

            /** NodeRecord seq. */
            seq: (number|Long);

            /** NodeRecord notAfter. */
            notAfter: (number|Long);

            /** NodeRecord transit. */
            transit: boolean;

            /** NodeRecord relay. */
            relay: boolean;

            /** NodeRecord name. */
            name: string;

            /** NodeRecord endpoints. */
            endpoints: string[];

            /** NodeRecord handle. */
            handle: string;

            /** NodeRecord contact. */
            contact: string;

            /** NodeRecord tags. */
            tags: string[];

            /**
             * Encodes the specified NodeRecord message. Does not implicitly {@link alamesh.v1.NodeRecord.verify|verify} messages.
             * @param message NodeRecord message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.NodeRecord, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a NodeRecord message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.NodeRecord & alamesh.v1.NodeRecord.$Shape} NodeRecord
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.NodeRecord & alamesh.v1.NodeRecord.$Shape;
        }

        namespace NodeRecord {

            /** Properties of a NodeRecord. */
            interface $Properties {

                /** NodeRecord realm */
                realm?: (string|null);

                /** NodeRecord proof */
                proof?: (alamesh.v1.Proof|null);

                /** NodeRecord noiseKey */
                noiseKey?: (Uint8Array|null);

                /** NodeRecord seq */
                seq?: (number|Long|null);

                /** NodeRecord notAfter */
                notAfter?: (number|Long|null);

                /** NodeRecord transit */
                transit?: (boolean|null);

                /** NodeRecord relay */
                relay?: (boolean|null);

                /** NodeRecord name */
                name?: (string|null);

                /** NodeRecord endpoints */
                endpoints?: (string[]|null);

                /** NodeRecord handle */
                handle?: (string|null);

                /** NodeRecord contact */
                contact?: (string|null);

                /** NodeRecord tags */
                tags?: (string[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a NodeRecord. */
            type $Shape = alamesh.v1.NodeRecord.$Properties;
        }

        /**
         * Properties of a LinkRecord.
         * @deprecated Use alamesh.v1.LinkRecord.$Properties instead.
         */
        interface ILinkRecord extends alamesh.v1.LinkRecord.$Properties {
        }

        /** Represents a LinkRecord. */
        class LinkRecord {

            /**
             * Constructs a new LinkRecord.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.LinkRecord.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LinkRecord a. */
            a: Uint8Array;

            /** LinkRecord b. */
            b: Uint8Array;

            /** LinkRecord seq. */
            seq: (number|Long);

            /** LinkRecord notAfter. */
            notAfter: (number|Long);

            /** LinkRecord roleA. */
            roleA: number;

            /** LinkRecord roleB. */
            roleB: number;

            /** LinkRecord costClass. */
            costClass: number;

            /** LinkRecord down. */
            down: boolean;

            /**
             * Encodes the specified LinkRecord message. Does not implicitly {@link alamesh.v1.LinkRecord.verify|verify} messages.
             * @param message LinkRecord message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.LinkRecord, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LinkRecord message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.LinkRecord & alamesh.v1.LinkRecord.$Shape} LinkRecord
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.LinkRecord & alamesh.v1.LinkRecord.$Shape;
        }

        namespace LinkRecord {

            /** Properties of a LinkRecord. */
            interface $Properties {

                /** LinkRecord a */
                a?: (Uint8Array|null);

                /** LinkRecord b */
                b?: (Uint8Array|null);

                /** LinkRecord seq */
                seq?: (number|Long|null);

                /** LinkRecord notAfter */
                notAfter?: (number|Long|null);

                /** LinkRecord roleA */
                roleA?: (number|null);

                /** LinkRecord roleB */
                roleB?: (number|null);

                /** LinkRecord costClass */
                costClass?: (number|null);

                /** LinkRecord down */
                down?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LinkRecord. */
            type $Shape = alamesh.v1.LinkRecord.$Properties;
        }

        /**
         * Properties of a ServiceRecord.
         * @deprecated Use alamesh.v1.ServiceRecord.$Properties instead.
         */
        interface IServiceRecord extends alamesh.v1.ServiceRecord.$Properties {
        }

        /** Represents a ServiceRecord. */
        class ServiceRecord {

            /**
             * Constructs a new ServiceRecord.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.ServiceRecord.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ServiceRecord realm. */
            realm: string;

            /** ServiceRecord proof. */
            proof?: (alamesh.v1.Proof|null);

            /** ServiceRecord host. */
            host: Uint8Array;

            /** ServiceRecord seq. */
            seq: (number|Long);

            /** ServiceRecord notAfter. */
            notAfter: (number|Long);

            /** ServiceRecord anycast. */
            anycast: boolean;

            /** ServiceRecord name. */
            name: string;

            /** ServiceRecord ports. */
            ports: string[];

            /**
             * Encodes the specified ServiceRecord message. Does not implicitly {@link alamesh.v1.ServiceRecord.verify|verify} messages.
             * @param message ServiceRecord message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.ServiceRecord, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ServiceRecord message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.ServiceRecord & alamesh.v1.ServiceRecord.$Shape} ServiceRecord
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.ServiceRecord & alamesh.v1.ServiceRecord.$Shape;
        }

        namespace ServiceRecord {

            /** Properties of a ServiceRecord. */
            interface $Properties {

                /** ServiceRecord realm */
                realm?: (string|null);

                /** ServiceRecord proof */
                proof?: (alamesh.v1.Proof|null);

                /** ServiceRecord host */
                host?: (Uint8Array|null);

                /** ServiceRecord seq */
                seq?: (number|Long|null);

                /** ServiceRecord notAfter */
                notAfter?: (number|Long|null);

                /** ServiceRecord anycast */
                anycast?: (boolean|null);

                /** ServiceRecord name */
                name?: (string|null);

                /** ServiceRecord ports */
                ports?: (string[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ServiceRecord. */
            type $Shape = alamesh.v1.ServiceRecord.$Properties;
        }

        /** RecordKind enum. */
        enum RecordKind {

            /** RECORD_KIND_UNSPECIFIED value */
            RECORD_KIND_UNSPECIFIED = 0,

            /** RECORD_KIND_NODE value */
            RECORD_KIND_NODE = 1,

            /** RECORD_KIND_LINK value */
            RECORD_KIND_LINK = 2,

            /** RECORD_KIND_SERVICE value */
            RECORD_KIND_SERVICE = 3
        }

        /**
         * Properties of a SignedRecord.
         * @deprecated Use alamesh.v1.SignedRecord.$Properties instead.
         */
        interface ISignedRecord extends alamesh.v1.SignedRecord.$Properties {
        }

        /** Represents a SignedRecord. */
        class SignedRecord {

            /**
             * Constructs a new SignedRecord.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.SignedRecord.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SignedRecord kind. */
            kind: alamesh.v1.RecordKind;

            /** SignedRecord body. */
            body: Uint8Array;

            /** SignedRecord signature. */
            signature: Uint8Array;

            /** SignedRecord countersignature. */
            countersignature: Uint8Array;

            /**
             * Encodes the specified SignedRecord message. Does not implicitly {@link alamesh.v1.SignedRecord.verify|verify} messages.
             * @param message SignedRecord message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.SignedRecord, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SignedRecord message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.SignedRecord & alamesh.v1.SignedRecord.$Shape} SignedRecord
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.SignedRecord & alamesh.v1.SignedRecord.$Shape;
        }

        namespace SignedRecord {

            /** Properties of a SignedRecord. */
            interface $Properties {

                /** SignedRecord kind */
                kind?: (alamesh.v1.RecordKind|null);

                /** SignedRecord body */
                body?: (Uint8Array|null);

                /** SignedRecord signature */
                signature?: (Uint8Array|null);

                /** SignedRecord countersignature */
                countersignature?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SignedRecord. */
            type $Shape = alamesh.v1.SignedRecord.$Properties;
        }

        /**
         * Properties of a MeshMessage.
         * @deprecated Use alamesh.v1.MeshMessage.$Properties instead.
         */
        interface IMeshMessage extends alamesh.v1.MeshMessage.$Properties {
        }

        /** Represents a MeshMessage. */
        class MeshMessage {

            /**
             * Constructs a new MeshMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.MeshMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** MeshMessage hello. */
            hello?: (alamesh.v1.Hello|null);

            /** MeshMessage candidates. */
            candidates?: (alamesh.v1.Candidates|null);

            /** MeshMessage goodbye. */
            goodbye?: (alamesh.v1.Goodbye|null);

            /** MeshMessage relayOpen. */
            relayOpen?: (alamesh.v1.RelayOpen|null);

            /** MeshMessage relayOffer. */
            relayOffer?: (alamesh.v1.RelayOffer|null);

            /** MeshMessage relayClose. */
            relayClose?: (alamesh.v1.RelayClose|null);

            /** MeshMessage message. */
            message?: ("hello"|"candidates"|"goodbye"|"relayOpen"|"relayOffer"|"relayClose");

            /**
             * Encodes the specified MeshMessage message. Does not implicitly {@link alamesh.v1.MeshMessage.verify|verify} messages.
             * @param message MeshMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.MeshMessage, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a MeshMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.MeshMessage & alamesh.v1.MeshMessage.$Shape} MeshMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.MeshMessage & alamesh.v1.MeshMessage.$Shape;
        }

        namespace MeshMessage {

            /** Properties of a MeshMessage. */
            interface $Properties {

                /** MeshMessage hello */
                hello?: (alamesh.v1.Hello|null);

                /** MeshMessage candidates */
                candidates?: (alamesh.v1.Candidates|null);

                /** MeshMessage goodbye */
                goodbye?: (alamesh.v1.Goodbye|null);

                /** MeshMessage relayOpen */
                relayOpen?: (alamesh.v1.RelayOpen|null);

                /** MeshMessage relayOffer */
                relayOffer?: (alamesh.v1.RelayOffer|null);

                /** MeshMessage relayClose */
                relayClose?: (alamesh.v1.RelayClose|null);

                /** MeshMessage message */
                message?: ("hello"|"candidates"|"goodbye"|"relayOpen"|"relayOffer"|"relayClose");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a MeshMessage. */
            type $Shape = {
              hello?: alamesh.v1.Hello.$Shape|null;
              candidates?: alamesh.v1.Candidates.$Shape|null;
              goodbye?: alamesh.v1.Goodbye.$Shape|null;
              relayOpen?: alamesh.v1.RelayOpen.$Shape|null;
              relayOffer?: alamesh.v1.RelayOffer.$Shape|null;
              relayClose?: alamesh.v1.RelayClose.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ message?: undefined; hello?: null; candidates?: null; goodbye?: null; relayOpen?: null; relayOffer?: null; relayClose?: null }|{ message?: "hello"; hello: alamesh.v1.Hello.$Shape; candidates?: null; goodbye?: null; relayOpen?: null; relayOffer?: null; relayClose?: null }|{ message?: "candidates"; hello?: null; candidates: alamesh.v1.Candidates.$Shape; goodbye?: null; relayOpen?: null; relayOffer?: null; relayClose?: null }|{ message?: "goodbye"; hello?: null; candidates?: null; goodbye: alamesh.v1.Goodbye.$Shape; relayOpen?: null; relayOffer?: null; relayClose?: null }|{ message?: "relayOpen"; hello?: null; candidates?: null; goodbye?: null; relayOpen: alamesh.v1.RelayOpen.$Shape; relayOffer?: null; relayClose?: null }|{ message?: "relayOffer"; hello?: null; candidates?: null; goodbye?: null; relayOpen?: null; relayOffer: alamesh.v1.RelayOffer.$Shape; relayClose?: null }|{ message?: "relayClose"; hello?: null; candidates?: null; goodbye?: null; relayOpen?: null; relayOffer?: null; relayClose: alamesh.v1.RelayClose.$Shape })
            );
        }

        /**
         * Properties of a Hello.
         * @deprecated Use alamesh.v1.Hello.$Properties instead.
         */
        interface IHello extends alamesh.v1.Hello.$Properties {
        }

        /** Represents a Hello. */
        class Hello {

            /**
             * Constructs a new Hello.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.Hello.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Hello version. */
            version: number;

            /** Hello realm. */
            realm: string;

            /** Hello node. */
            node?: (alamesh.v1.SignedRecord|null);

            /** Hello name. */
            name: string;

            /** Hello bootId. */
            bootId: Uint8Array;

            /** Hello observed. */
            observed: string;

            /** Hello candidates. */
            candidates: string[];

            /** Hello capabilities. */
            capabilities: number[];

            /** Hello invite. */
            invite?: (alamesh.v1.InviteProof|null);

            /**
             * Encodes the specified Hello message. Does not implicitly {@link alamesh.v1.Hello.verify|verify} messages.
             * @param message Hello message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.Hello, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Hello message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.Hello & alamesh.v1.Hello.$Shape} Hello
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.Hello & alamesh.v1.Hello.$Shape;
        }

        namespace Hello {

            /** Properties of a Hello. */
            interface $Properties {

                /** Hello version */
                version?: (number|null);

                /** Hello realm */
                realm?: (string|null);

                /** Hello node */
                node?: (alamesh.v1.SignedRecord|null);

                /** Hello name */
                name?: (string|null);

                /** Hello bootId */
                bootId?: (Uint8Array|null);

                /** Hello observed */
                observed?: (string|null);

                /** Hello candidates */
                candidates?: (string[]|null);

                /** Hello capabilities */
                capabilities?: (number[]|null);

                /** Hello invite */
                invite?: (alamesh.v1.InviteProof|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Hello. */
            type $Shape = alamesh.v1.Hello.$Properties;
        }

        /**
         * Properties of an InviteProof.
         * @deprecated Use alamesh.v1.InviteProof.$Properties instead.
         */
        interface IInviteProof extends alamesh.v1.InviteProof.$Properties {
        }

        /** Represents an InviteProof. */
        class InviteProof {

            /**
             * Constructs a new InviteProof.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.InviteProof.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** InviteProof id. */
            id: Uint8Array;

            /** InviteProof proof. */
            proof: Uint8Array;

            /**
             * Encodes the specified InviteProof message. Does not implicitly {@link alamesh.v1.InviteProof.verify|verify} messages.
             * @param message InviteProof message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.InviteProof, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an InviteProof message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.InviteProof & alamesh.v1.InviteProof.$Shape} InviteProof
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.InviteProof & alamesh.v1.InviteProof.$Shape;
        }

        namespace InviteProof {

            /** Properties of an InviteProof. */
            interface $Properties {

                /** InviteProof id */
                id?: (Uint8Array|null);

                /** InviteProof proof */
                proof?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an InviteProof. */
            type $Shape = alamesh.v1.InviteProof.$Properties;
        }

        /**
         * Properties of a Candidates.
         * @deprecated Use alamesh.v1.Candidates.$Properties instead.
         */
        interface ICandidates extends alamesh.v1.Candidates.$Properties {
        }

        /** Represents a Candidates. */
        class Candidates {

            /**
             * Constructs a new Candidates.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.Candidates.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Candidates candidates. */
            candidates: string[];

            /** Candidates observed. */
            observed: string;

            /**
             * Encodes the specified Candidates message. Does not implicitly {@link alamesh.v1.Candidates.verify|verify} messages.
             * @param message Candidates message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.Candidates, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Candidates message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.Candidates & alamesh.v1.Candidates.$Shape} Candidates
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.Candidates & alamesh.v1.Candidates.$Shape;
        }

        namespace Candidates {

            /** Properties of a Candidates. */
            interface $Properties {

                /** Candidates candidates */
                candidates?: (string[]|null);

                /** Candidates observed */
                observed?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Candidates. */
            type $Shape = alamesh.v1.Candidates.$Properties;
        }

        /**
         * Properties of a RelayOpen.
         * @deprecated Use alamesh.v1.RelayOpen.$Properties instead.
         */
        interface IRelayOpen extends alamesh.v1.RelayOpen.$Properties {
        }

        /** Represents a RelayOpen. */
        class RelayOpen {

            /**
             * Constructs a new RelayOpen.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.RelayOpen.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** RelayOpen channel. */
            channel: number;

            /** RelayOpen key. */
            key: Uint8Array;

            /**
             * Encodes the specified RelayOpen message. Does not implicitly {@link alamesh.v1.RelayOpen.verify|verify} messages.
             * @param message RelayOpen message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.RelayOpen, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a RelayOpen message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.RelayOpen & alamesh.v1.RelayOpen.$Shape} RelayOpen
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.RelayOpen & alamesh.v1.RelayOpen.$Shape;
        }

        namespace RelayOpen {

            /** Properties of a RelayOpen. */
            interface $Properties {

                /** RelayOpen channel */
                channel?: (number|null);

                /** RelayOpen key */
                key?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a RelayOpen. */
            type $Shape = alamesh.v1.RelayOpen.$Properties;
        }

        /**
         * Properties of a RelayOffer.
         * @deprecated Use alamesh.v1.RelayOffer.$Properties instead.
         */
        interface IRelayOffer extends alamesh.v1.RelayOffer.$Properties {
        }

        /** Represents a RelayOffer. */
        class RelayOffer {

            /**
             * Constructs a new RelayOffer.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.RelayOffer.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** RelayOffer channel. */
            channel: number;

            /** RelayOffer key. */
            key: Uint8Array;

            /**
             * Encodes the specified RelayOffer message. Does not implicitly {@link alamesh.v1.RelayOffer.verify|verify} messages.
             * @param message RelayOffer message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.RelayOffer, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a RelayOffer message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.RelayOffer & alamesh.v1.RelayOffer.$Shape} RelayOffer
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.RelayOffer & alamesh.v1.RelayOffer.$Shape;
        }

        namespace RelayOffer {

            /** Properties of a RelayOffer. */
            interface $Properties {

                /** RelayOffer channel */
                channel?: (number|null);

                /** RelayOffer key */
                key?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a RelayOffer. */
            type $Shape = alamesh.v1.RelayOffer.$Properties;
        }

        /**
         * Properties of a RelayClose.
         * @deprecated Use alamesh.v1.RelayClose.$Properties instead.
         */
        interface IRelayClose extends alamesh.v1.RelayClose.$Properties {
        }

        /** Represents a RelayClose. */
        class RelayClose {

            /**
             * Constructs a new RelayClose.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.RelayClose.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** RelayClose channel. */
            channel: number;

            /** RelayClose reason. */
            reason: string;

            /**
             * Encodes the specified RelayClose message. Does not implicitly {@link alamesh.v1.RelayClose.verify|verify} messages.
             * @param message RelayClose message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.RelayClose, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a RelayClose message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.RelayClose & alamesh.v1.RelayClose.$Shape} RelayClose
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.RelayClose & alamesh.v1.RelayClose.$Shape;
        }

        namespace RelayClose {

            /** Properties of a RelayClose. */
            interface $Properties {

                /** RelayClose channel */
                channel?: (number|null);

                /** RelayClose reason */
                reason?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a RelayClose. */
            type $Shape = alamesh.v1.RelayClose.$Properties;
        }

        /**
         * Properties of a Goodbye.
         * @deprecated Use alamesh.v1.Goodbye.$Properties instead.
         */
        interface IGoodbye extends alamesh.v1.Goodbye.$Properties {
        }

        /** Represents a Goodbye. */
        class Goodbye {

            /**
             * Constructs a new Goodbye.
             * @param [properties] Properties to set
             */
            constructor(properties?: alamesh.v1.Goodbye.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Goodbye reason. */
            reason: string;

            /**
             * Encodes the specified Goodbye message. Does not implicitly {@link alamesh.v1.Goodbye.verify|verify} messages.
             * @param message Goodbye message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: alamesh.v1.Goodbye, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Goodbye message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {alamesh.v1.Goodbye & alamesh.v1.Goodbye.$Shape} Goodbye
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): alamesh.v1.Goodbye & alamesh.v1.Goodbye.$Shape;
        }

        namespace Goodbye {

            /** Properties of a Goodbye. */
            interface $Properties {

                /** Goodbye reason */
                reason?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Goodbye. */
            type $Shape = alamesh.v1.Goodbye.$Properties;
        }
    }
}
