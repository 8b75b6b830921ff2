/** The model of a call: under one name in extra, whoever sends it, first of all, and never with what must not be stored. */
import { describe, expect, test } from 'vitest';
import type { Attribute } from '../../receiver/decode/shape.ts';
import { LIMITS } from '../../receiver/limits.ts';
import { callSpan, extraOf, mainRow } from '../helpers/mapping.ts';
import { text } from '../helpers/otlp.ts';

const modelOf = (attributes: Attribute[]) => extraOf(mainRow(callSpan(attributes))).model;

describe('the model', () => {
  test.each([
    'gen_ai.response.model',
    'gen_ai.request.model',
    'llm.response.model_name',
    'llm.model_name',
    'llm.request.model_name',
    'embedding.model_name',
    'ai.response.model',
    'ai.model.id',
  ])('is known by %s', (name) => expect(modelOf([text(name, 'gpt-4o')])).toBe('gpt-4o'));

  test('is the one that answered, not the one asked for', () => {
    expect(modelOf([text('gen_ai.request.model', 'gpt-4o'), text('gen_ai.response.model', 'gpt-4o-2024-08-06')])).toBe(
      'gpt-4o-2024-08-06',
    );
  });

  test('is not there where a call names none', () => {
    expect(modelOf([text('http.request.method', 'GET')])).toBeUndefined();
  });

  test('is kept however many and large other attributes are', () => {
    const many = Array.from({ length: 500 }, (_, index) => text(`a${index}`, 'x'.repeat(250)));
    expect(modelOf([...many, text('gen_ai.request.model', 'gpt-4o')])).toBe('gpt-4o');
  });

  test('hides no attribute called model, and is not hidden by it', () => {
    const extra = extraOf(mainRow(callSpan([text('model', 'crm.lead'), text('gen_ai.request.model', 'gpt-4o')])));
    expect(extra).toMatchObject({ model: 'gpt-4o', 'attribute.model': 'crm.lead' });
  });

  test.each([
    ['sk-abcdefghijklmnopqrstuvwx', 'abcdefghijklmnop'],
    [`${'m'.repeat(90)} sk-abcdefghijklmnopqrstuvwx`, 'sk-ab'],
    ['jane.doe@example.com', 'jane'],
    [`${'m'.repeat(95)}/jane.doe@example.com`, 'jane'],
  ])('%s is stored without what must not be', (sent, secret) => {
    const stored = String(modelOf([text('gen_ai.request.model', sent)]));
    expect(stored).not.toContain(secret);
    expect(stored.length).toBeGreaterThan(0);
  });

  test('that is too long stays apart from others that begin alike', () => {
    const long = (end: string) => String(modelOf([text('gen_ai.request.model', 'm'.repeat(150) + end)]));
    expect(long('a')).toHaveLength(LIMITS.modelChars);
    expect(long('a')).not.toBe(long('b'));
  });
});
