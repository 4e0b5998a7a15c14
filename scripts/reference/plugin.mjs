import { Application, Converter } from 'typedoc';
import { putIntoGroups } from './groups.mjs';
import { linkErrors } from './errors.mjs';
import { explainConstructors, showOpsAsMethods } from './methods.mjs';
import { findMissingParts } from './parts.mjs';

/**
 * What TypeDoc does not know of this package, by steps that look at the documentation while it is made.
 *
 * @param {import('typedoc').Application} app
 */
export function knowThePackage(app) {
  let conversion;
  let faults = [];
  const first = 1000; // before TypeDoc's own steps, which read the comments
  app.converter.on(
    Converter.EVENT_RESOLVE_BEGIN,
    (context) => {
      conversion = context;
      showOpsAsMethods(context.project);
      linkErrors(context.project);
      faults = putIntoGroups(context.project, app.options.getValue('basePath'));
    },
    first,
  );
  const last = -1000; // once it is known what overwrites what
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => explainConstructors(project), last);
  app.on(Application.EVENT_VALIDATE_PROJECT, (project) => {
    for (const fault of [...faults, ...findMissingParts(project, conversion)]) app.logger.validationWarning(fault);
  });
}
